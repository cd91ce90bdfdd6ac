"""Our own files: Parquet tables, exports and the report, in a folder or in object storage.

Belongs here: whole files, locks, listings. Does not: which tables there are; a table comes as an
argument.
"""
