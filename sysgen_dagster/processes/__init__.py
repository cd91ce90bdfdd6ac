"""Processes on this machine that outlive the run that starts them: model servers, trainings.

Belongs here: the supervisor that keeps one process running while it is used, its state file, how it
is started and ended. Does not: what the process does, and who may use it when (`inference.local`,
`students`).
"""
