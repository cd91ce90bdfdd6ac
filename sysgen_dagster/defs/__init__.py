"""Dagster: names, partitions, wiring, metadata. Only here and in `definitions` is it imported.

`pipeline` is the whole data flow in one file; what its assets call is a function of `sysgen`.
"""
