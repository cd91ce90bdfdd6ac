"""Talking to models: every engine is an OpenAI-compatible server. No Dagster.

From the outside in: `engines` says which servers answer for a model, and finds or starts them
(`server_process`, `supervisor`, `vllm_server`, `probing`); `client` sends the requests of a
partition, `asking` one of them, to the `replicas`, as many at once as the `capacity` of each has
shown; `chat_api` is what goes over the wire; `ledger` remembers what was answered and `progress`
counts; `simulated` is a server without a model.
"""
