"""Asks models: every engine is an OpenAI-compatible server. Dagster does not belong here.

From the outside in: `engines` says which servers answer for a model; `connection` is the way to
them, which starts them (`local`) or finds them (`places`) and asks what they can do (`probing`);
`client` sends the requests of a partition; `asking` gets the outcome of one of them; `replicas`
decides which server it is sent to, and `capacity` how many may be in flight there; `fitting`
shortens prompts that are too long; `chat_api` is what goes over HTTP, `transport` opens all
connections and `bodies` reads what comes; `refusals` says what a reply without a completion means;
`ledger` keeps the outcomes under the keys of `request_keys` (`ledger_files` are its files,
`other_ledgers` those of other partitions, `ledger_upkeep` removes) and `progress` counts them.
"""
