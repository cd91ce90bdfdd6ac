"""Whether answers obey their system messages and keep the original answers' results.

Belongs here: results that rules can compare (final answers, Python code that parses), the judges'
prompts and verdicts, and checks of them. Does not: sending requests to judges (`inference`), and
statistics over all rows of a model (`analysis`).
"""
