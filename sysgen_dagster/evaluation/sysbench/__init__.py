"""SysBench (Qin et al., 2024): five turns under one system message, each with a checklist.

Belongs here: reading graded answers, and the benchmark's scores of them. Does not: its data, which
have no licence and are never shipped.
"""
