"""How good a model is: benchmarks and comparisons, each with its protocol.

Belongs here: what is asked of a subject, how it is scored, intervals and paired comparisons. A
subject is anything that can be served. Published sheets of SysBench are scored without one.
"""
