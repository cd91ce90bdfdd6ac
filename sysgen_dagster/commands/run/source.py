"""Which source a word on the command line means, as an entry of the catalogue."""

import re
import shlex
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from sysgen_dagster.catalog.load import CatalogError
from sysgen_dagster.catalog.sources import Exchanges, QuestionAnswer, Records, Source
from sysgen_dagster.commands.trial_catalog import count_shards


def read_columns(given: Sequence[str]) -> dict[str, str]:
    """What ``--columns`` says, such as ``question=prompt answer=response``, by its first words.

    Raises:
        CatalogError: A word has no ``=``.
    """
    words = [word for each in given for word in shlex.split(each)]
    if wrong := [word for word in words if not re.fullmatch("[^=]+=.+", word, re.DOTALL)]:
        raise CatalogError(
            f"--columns {' '.join(wrong)} cannot be used: give NAME=COLUMN, such as "
            "question=prompt answer=response"
        )
    return dict(word.partition("=")[::2] for word in words)


def source_entry(wish, folder) -> tuple[Source, str]:
    """SHIM until shapes and files have landed."""
    named, mapping, license_ = wish.source, read_columns(wish.columns), wish.license
    path = Path(named).absolute()
    if not path.is_file():
        raise CatalogError(f"{named}: there is no such file")
    name = re.sub("[^a-z0-9]+", "_", path.stem.lower()).strip("_")
    schema = (
        pl.read_parquet_schema(path)
        if path.suffix == ".parquet"
        else pl.scan_ndjson(path).collect_schema()
    )
    if "messages" in schema:
        shape, columns = (
            Records(kind="messages", column="messages"),
            {"messages": ["role", "content"]},
        )
    else:
        question = mapping.get("question", "question")
        answer = mapping.get("answer", "answer")
        shape = QuestionAnswer(kind="question_answer", question=question, answer=answer)
        columns = {question: "string", answer: "string"}
    source = Source(
        name=name,
        title=path.name,
        license=license_ or "unknown",
        path=path,
        shards=count_shards(path),
        columns=columns,
        shape=shape,
        exchanges=Exchanges.EACH,
    )
    return source, f"{path.name}, read as {shape.kind}"
