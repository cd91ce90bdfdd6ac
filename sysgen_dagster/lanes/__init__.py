"""The methods that make data, one folder each: tables, phases, checks, prompts' use, paper figures.

A lane never imports another lane, and no lane knows Dagster, servers or files.
"""
