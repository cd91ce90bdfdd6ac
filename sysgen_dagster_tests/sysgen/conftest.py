"""Hypothesis for the tests of the method: no clock in it, so that a slow machine passes too."""

from hypothesis import settings

settings.register_profile("sysgen", deadline=None, max_examples=200)
settings.load_profile("sysgen")
