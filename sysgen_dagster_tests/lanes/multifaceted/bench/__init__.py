"""Tests of `sysgen_dagster.lanes.multifaceted.bench`."""
