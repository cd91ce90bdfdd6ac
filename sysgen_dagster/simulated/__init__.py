"""The simulated model: an OpenAI-compatible server whose answers are made up, and say so.

It is a program of its own (`python -m sysgen_dagster.simulated.server`) that no other room imports.
It recognises the prompts of the lanes and fails as often as their papers report.
"""
