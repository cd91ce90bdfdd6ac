"""Hypothesis for the tests of the method: the same examples on every run, and no clock.

To look further than the suite does: ``--hypothesis-profile=explore``.
"""

from hypothesis import settings

settings.register_profile("sysgen", deadline=None, derandomize=True, max_examples=200)
settings.register_profile("explore", deadline=None, max_examples=20_000)
settings.load_profile("sysgen")
