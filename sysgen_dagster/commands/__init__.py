"""What is typed in a terminal: one module a command, and what several of them need.

Belongs here: options, printed tables, the home of a deployment, a backfill without the daemon.
Does not: anything that an asset needs too. Commands import assets, never the other way round.
"""
