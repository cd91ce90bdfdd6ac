"""Measures of rows and of the whole corpus: functions from frames to frames.

They ask no server and read no stored table.

Belongs here: one module for each question about rows or about the whole corpus. Does not: how a
figure is drawn (`report`), and verdicts of judges (`obedience`).
"""
