"""The simulated model: an OpenAI-compatible server whose answers are made up, and say so.

A system message says so in one of its phrases, which Phase 3 removes like any other.

It is a program of its own (`python -m sysgen_dagster.simulated.server`) that no other room imports.
It recognises the prompts of the lanes and fails as often as their papers report.
"""
