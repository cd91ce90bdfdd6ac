"""Hypothesis for the tests of tables: the same examples on every run, and no clock."""

from hypothesis import settings

settings.register_profile("sysgen", deadline=None, derandomize=True, max_examples=200)
settings.load_profile("sysgen")
