"""What was made, measured: functions from frames to frames that ask no server and read no file.

Belongs here: one module for each question about rows or about the whole corpus. Does not: how a
figure is drawn (`report`), and verdicts of judges (`obedience`).
"""
