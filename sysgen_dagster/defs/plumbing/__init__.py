"""What the assets are made with: partitions, resources, tables in and out, metadata, checks.

Nothing here knows an asset.
"""
