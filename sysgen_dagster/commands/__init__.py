"""The subcommands of `sysgen`: one module for each, and code that several of them share.

Belongs here: options, printed tables, the home of a deployment, a backfill without the daemon.
Does not: anything that an asset needs too. Commands import assets, never the other way round.
"""
