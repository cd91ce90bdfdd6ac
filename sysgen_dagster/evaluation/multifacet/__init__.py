"""Multifaceted-Bench (Lee et al., 2024): answers under a system message, graded by four rubrics.

921 instructions of five older benchmarks, each with a system message made of four preferences, a
reference answer, and a rubric of five levels for each preference. A judge grades an answer by one
rubric at a time.

Belongs here: reading the bench, what subjects and judges are asked, and the scores. Does not: the
data, which are fetched by pin and never shipped, and what a judge is sent and how a score is read
(`obedience.rubric_grading`).
"""
