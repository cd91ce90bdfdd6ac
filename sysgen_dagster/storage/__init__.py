"""Reading and writing a deployment's files, in a folder or in object storage.

Belongs here: the Parquet files of tables, export folders, the report and the list of exclusions;
locks and atomic replacement. Does not: which tables exist; tables are passed as arguments.
"""
