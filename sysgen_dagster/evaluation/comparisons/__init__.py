"""Subjects beside each other and beside the paper: scores, paired differences, what is printed.

Belongs here: which subjects are compared, and what stands beside which figure of the paper. Does
not: how an answer is asked and graded (the rooms of the suites), how it is drawn (`report`).
"""
