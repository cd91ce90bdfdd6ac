"""Nemotron-RL-SysBench-v1 (NVIDIA, 2026, CC-BY-4.0): one answer held to rules and to questions.

Belongs here: its rows, what is asked, how an answer is graded. Does not: the rules
(`evaluation/instructions`).
"""
