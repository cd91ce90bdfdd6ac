"""Building blocks of the assets: partitions, resources, tables in and out, metadata, checks.

No module here names a single asset.
"""
