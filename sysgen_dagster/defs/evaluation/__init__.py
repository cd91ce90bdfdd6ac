"""The assets of the suites: items, answers, gradings, scores.

Belongs here: which tables are read, who is asked, what is noted. Does not: what is asked and how
answers are graded (`sysgen_dagster.evaluation`).
"""
