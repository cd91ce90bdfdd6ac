"""The methods that make data, a folder each: settings, prompts' use, phases, checks, paper figures.

A lane imports no other lane, and no lane knows Dagster, servers or files.
"""
