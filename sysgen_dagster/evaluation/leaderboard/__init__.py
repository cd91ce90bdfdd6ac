"""Leaderboard tasks: lm-evaluation-harness run as a program, and its results read.

Belongs here: which of its tasks, where their data come from, its command line, its process, its
files. Does not: which server it asks (`defs.evaluation`), and whether that can do it (`inference`).
"""
