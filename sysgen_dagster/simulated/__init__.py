"""The simulated model: an OpenAI-compatible server without a model, which says what it is.

It is a program of its own (`python -m sysgen_dagster.simulated.server`), so nothing imports it. It
knows the prompts of the lanes and the figures of their papers.
"""
