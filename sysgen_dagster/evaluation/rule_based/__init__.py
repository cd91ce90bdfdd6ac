"""Benchmarks that rules grade: S-IFEval, IFEval and Tensor Trust.

Belongs here: their items, what is asked, which constraint an answer keeps, the scores and the floor
of each. Does not: what an instruction of IFEval asks of an answer (`evaluation.instructions`).
"""
