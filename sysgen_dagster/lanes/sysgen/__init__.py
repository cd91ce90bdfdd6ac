"""The SysGen method (arXiv 2502.11330): plain Python and Polars, no Dagster, no network, no clock.

Phase 1 is `annotation` (and `attempts`, where a row may be asked for more than once), Phase 2
`filtering`, Phase 3 `verification`, Phase 4 `alignment`; `tags` holds the tagged text they share.
`phases` says what each phase reads, asks and makes, `paper` holds every figure of the paper.
"""
