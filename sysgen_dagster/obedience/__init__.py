"""Whether answers obey their system messages and keep the original answers' results.

Belongs here: what phrases ask that rules can tell of an answer, results that rules can compare
(final answers, Python code that parses), the judges' prompts and verdicts, and checks of them.
Does not: sending requests to judges (`inference`), and statistics over all rows of a model
(`analysis`).
"""
