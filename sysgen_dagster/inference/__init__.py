"""Talking to models: every engine is an OpenAI-compatible server. No Dagster.

`engines` gives the `Endpoint` of a model, starting its server where there is none; `client` sends
the requests; `ledger` remembers what was answered; `server_process` keeps servers running between
runs; `simulated` is a server without a model.
"""
