"""Small frames with the schemas of the pipeline, for the tests of the method."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from sysgen_dagster.catalog.sources import Source
from sysgen_dagster.chat.completions import COMPLETIONS
from sysgen_dagster.lanes.sysgen.tables import ANNOTATED, FILTERED, VERIFIED
from sysgen_dagster.lanes.sysgen.tags import parse_tagged_message, render_tagged_message
from sysgen_dagster.sources.tables import CONVERSATIONS, source_table
from sysgen_dagster.tables.table import Table

REVISION = "local:0000"


def source(**entry: Any) -> Source:
    """A catalogue entry; with two text columns by default."""
    usual = {
        "name": "mine",
        "title": "Mine",
        "license": "mit",
        "path": "mine.jsonl",
        "shards": 1,
        "columns": {"question": "string", "answer": "string"},
        "shape": {"kind": "question_answer", "question": "question", "answer": "answer"},
    }
    return Source.model_validate(usual | entry)


def input_output_source(**entry: Any) -> Source:
    """An entry with the columns of Capybara."""
    columns = {"source": "string", "conversation": ["input", "output"]}
    shape = {"kind": "input_output", "column": "conversation"}
    return source(**{"columns": columns, "shape": shape, "exchanges": "each"} | entry)


def sharegpt_source(**entry: Any) -> Source:
    """An entry with the columns of Airoboros."""
    columns = {"id": "string", "conversations": ["from", "value"], "category": "string"}
    shape = {"kind": "sharegpt", "column": "conversations"}
    return source(**{"columns": columns, "shape": shape} | entry)


def messages_source(**entry: Any) -> Source:
    """An entry for the chat format of most trainers."""
    columns = {"messages": ["role", "content"]}
    return source(
        **{"columns": columns, "shape": {"kind": "messages", "column": "messages"}} | entry
    )


def upstream(
    entry: Source, *records: Mapping[str, Any], first_row: int = 0, occurrence: int = 0
) -> pl.DataFrame:
    """The source table of these upstream rows, in the exact schema of their entry."""
    rows = [
        {
            **record,
            "source_row": first_row + position,
            "occurrence": occurrence,
            "source_revision": REVISION,
        }
        for position, record in enumerate(records)
    ]
    return pl.DataFrame(rows, schema=source_table(entry).schema, orient="row")


def turns(*spoken: tuple[str, str | None]) -> dict[str, Any]:
    """One row with the columns of Airoboros, from (speaker, text) pairs."""
    listed = [{"from": who, "value": text} for who, text in spoken]
    return {"id": "x", "conversations": listed, "category": "trivia"}


def exchanges(*pairs: tuple[str | None, str | None]) -> dict[str, Any]:
    """One row with the columns of Capybara, from (input, output) pairs."""
    return {"source": "x", "conversation": [{"input": q, "output": a} for q, a in pairs]}


def conversations(*rows: Mapping[str, Any]) -> pl.DataFrame:
    """A table of conversations ``c0``, ``c1``, ...; columns that a row lacks have defaults."""
    usual = {
        "source": "mine",
        "source_revision": REVISION,
        "turn": 0,
        "history": [],
        "question": "Why?",
        "answer": "Because.",
    }
    numbered = [
        {"conversation_id": f"c{number}", "source_row": number, **usual, **row}
        for number, row in enumerate(rows)
    ]
    return _frame(CONVERSATIONS, numbered)


def annotated(*texts: str) -> pl.DataFrame:
    """A table of annotated messages ``c0``, ``c1``, ..., none of them dropped."""
    rows = [
        {"conversation_id": f"c{number}", "source": "mine", "annotated_message": text}
        for number, text in enumerate(texts)
    ]
    return _frame(ANNOTATED, rows)


def filtered(*tagged: str) -> pl.DataFrame:
    """A table of filtered messages ``c0``, ``c1``, ... from tagged text that has no defect."""
    rows = []
    for number, text in enumerate(tagged):
        phrases = parse_tagged_message(text).phrases
        rows.append(
            {
                "conversation_id": f"c{number}",
                "source": "mine",
                "phrases": [{"tag": phrase.tag.value, "text": phrase.text} for phrase in phrases],
                "tagged_message": render_tagged_message(phrases),
                "defects": [],
                "has_malformed_boundary": False,
            }
        )
    return _frame(FILTERED, rows)


def verified(*phrases: Sequence[tuple[str, str]]) -> pl.DataFrame:
    """A table of verified messages ``c0``, ``c1``, ... from their (tag, text) pairs."""
    rows = [
        {
            "conversation_id": f"c{number}",
            "source": "mine",
            "phrases": [{"tag": tag, "text": text} for tag, text in pairs],
        }
        for number, pairs in enumerate(phrases)
    ]
    return _frame(VERIFIED, rows)


def replied(request_id: str, text: str | None, finish_reason: str = "stop") -> dict[str, Any]:
    """The completion of a request that the model answered."""
    return {
        "request_id": request_id,
        "text": text,
        "finish_reason": finish_reason,
        "attempts": 1,
    }


def failed(request_id: str, because: str, said: str = "") -> dict[str, Any]:
    """The completion of a request without an answer, and the reason."""
    return {
        "request_id": request_id,
        "failed_because": because,
        "failure": said,
        "attempts": 3,
    }


def completions(*rows: Mapping[str, Any]) -> pl.DataFrame:
    """A table of completions."""
    return pl.DataFrame([{**dict.fromkeys(COMPLETIONS), **row} for row in rows], schema=COMPLETIONS)


def _frame(table: Table, rows: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    return pl.DataFrame(
        [{**dict.fromkeys(table.columns), **row} for row in rows],
        schema=table.schema,
        orient="row",
    )
