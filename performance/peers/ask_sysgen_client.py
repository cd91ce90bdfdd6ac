"""The client of `sysgen_dagster` alone: a ledger, then a table, then the ledger sealed.

As the phases use it, without Dagster around it and with as many in flight as the others from the
start; its own limit would grow from 32 while that pays. After a kill the same call takes what is in
the ledger.
"""

import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import polars as pl
from asking import MAX_TOKENS, MODEL, TEMPERATURE, Answer, Trial, run

from sysgen_dagster.chat.messages import ChatMessage, ChatRequest, Role, Sampling, derive_seed
from sysgen_dagster.inference.chat_api import Endpoint, ModelIdentity, ServerCapabilities
from sysgen_dagster.inference.client import complete
from sysgen_dagster.inference.ledger import Ledger
from sysgen_dagster.inference.progress import Progress


def _requests(trial: Trial) -> Iterator[ChatRequest]:
    sampling = Sampling(TEMPERATURE, MAX_TOKENS)
    for row in trial.read_rows():
        messages = [
            ChatMessage(role=Role(each["role"]), content=each["content"])
            for each in row["messages"]
        ]
        yield ChatRequest(row["row"], messages, sampling, derive_seed(row["row"], "peers"))


def ask(trial: Trial) -> None:
    """Ask for every row, store the table and seal the ledger."""
    with trial.rows.open() as lines:
        total = sum(1 for _ in lines)
    model = ModelIdentity(name=MODEL, served_name=MODEL, revision=None, engine="endpoint")
    capabilities = ServerCapabilities(context_tokens=8192, has_tokenizer=True)
    endpoint = replace(
        Endpoint(model, (trial.url,), capabilities=capabilities), starts_with=trial.in_flight
    )
    report = partial(print, file=sys.stderr)
    connection = SimpleNamespace(
        model=model, report=report, connect=lambda _: endpoint, reconnect=str, cancel=list
    )
    ledger = Ledger(trial.folder / "ledger.jsonl")
    with ledger:
        rows = complete(
            connection,
            _requests(trial),
            Progress(total),
            ledger,
            show=lambda _: None,
            most_in_flight=trial.in_flight,
        )
    rows.write_parquet(trial.folder / "answers.parquet", compression="zstd")
    ledger.seal()


def answers(trial: Trial) -> Iterator[Answer]:
    """The rows of the table."""
    kept = pl.read_parquet(trial.folder / "answers.parquet")
    columns = ("request_id", "text", "failed_because")
    yield from map(Answer._make, kept.select(columns).iter_rows())


if __name__ == "__main__":
    run(ask, answers)
