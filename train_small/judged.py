"""Whether subjects do what held-out messages ask: rules say it first, then a judge that is named.

Every subject answers the same rows of the validation split under their own messages. What rules
leave open of a message's phrases goes to the judge in one request a row, as the pipeline asks about
its own rows. The judge is asked about no labelled phrases, so that what it says is uncalibrated.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from held_out import read_validation
from rich.console import Console
from train import ROWS

from sysgen_dagster.catalog.entries import UNKNOWN
from sysgen_dagster.catalog.models import Engine, Model
from sysgen_dagster.chat.completions import CUT, add_completions
from sysgen_dagster.chat.messages import ChatRequest, Sampling, derive_seed
from sysgen_dagster.commands.printing import say
from sysgen_dagster.evaluation.scores import score_items
from sysgen_dagster.evaluation.tables import ITEM_COLUMNS, TOTAL
from sysgen_dagster.inference.client import complete
from sysgen_dagster.inference.engines import Engines
from sysgen_dagster.inference.ledger import Ledger
from sysgen_dagster.inference.local.gguf import read_gguf
from sysgen_dagster.inference.progress import Progress
from sysgen_dagster.lanes.catalog import Catalog
from sysgen_dagster.lanes.sysgen.refusals import may_refuse
from sysgen_dagster.obedience import phrase_judgement
from sysgen_dagster.obedience.by_rules import decide_by_rules
from sysgen_dagster.obedience.rules import BY_RULES, Verdict
from sysgen_dagster.storage.store import Store
from sysgen_dagster.tables.columns import MESSAGES
from sysgen_dagster.tables.table import polars_schema

NAME = "held_out_obedience"  # of the measure, and of its folder
JUDGE = "judge"  # in the catalogue
WORTH = "uncalibrated: it was not asked about phrases that people have labelled"
OBEYED = "obeyed"
NO_VERDICT = "no_verdict"  # the reason of a row of which no phrase is decided
_MIXTURE = "sysgen"  # whose export has the rows under their messages
# The limit is that of the conflict set's answers. A cut answer is graded as it stands: it is what a
# user would get.
_SAMPLING = Sampling(temperature=0.0, max_tokens=320)
# Who decides the phrases of each score.
_GRADERS: Mapping[str, frozenset[str]] = {
    TOTAL: frozenset({BY_RULES, JUDGE}),
    BY_RULES: frozenset({BY_RULES}),
    JUDGE: frozenset({JUDGE}),
}
_PROTOCOL = "share of a message's phrases that the answer obeys, temperature 0, at most 320 tokens"
_SHOW_EVERY_S = 60.0


@dataclass(frozen=True, slots=True)
class Judging:
    """Who judges, and how much.

    Attributes:
        file: The judge's weights, in GGUF.
        rows: How many rows each subject answers, at most.
    """

    file: Path
    rows: int


def with_judge(catalog: Catalog, file: Path) -> Catalog:
    """The catalogue with the judge in it, which llama.cpp serves.

    Raises:
        GgufError: The file is none, or is damaged.
    """
    given = {
        "name": JUDGE,
        "served_name": file.stem,
        "license": read_gguf(file).license or UNKNOWN,
        "weights": str(file),
        "engine": Engine.LLAMA_CPP,
        # Slots share the context; a row with its message and an answer has less than 4,096 tokens.
        "llama_cpp": {"parallel": 4, "ctx-size": 16384},
    }
    judge = Model.model_validate(given)
    return catalog.model_copy(update={"judges": {JUDGE: judge}})


def grade_subjects(
    console: Console, store: Store, catalog: Catalog, engines: Engines, most: int
) -> Mapping[str, pl.DataFrame]:
    """Of each subject a row for each held-out row, at most so many: what was answered and decided.

    Columns: those of `chat.completions.COMPLETIONS` that are of the answer, ``new_answer``,
    ``drop_reason``, and those of `obedience.tables.OBEDIENCE`, which are null where there is no
    answer. They are written to ``NAME/SUBJECT.jsonl``, too.

    Raises:
        EngineError: A server cannot be reached or started; what was answered is remembered.
    """
    rows, folder = draw_rows(store, most), Path(str(store.root)) / NAME
    answers = {}
    for name in catalog.subjects:
        file = folder / "answers" / f"{name}.jsonl"
        model = catalog.model_of_subject(name)
        said = _ask(console, engines, model, name, [*_build_requests(rows)], file)
        answers[name] = add_completions(rows, said, None).rename({"text": "new_answer"})
    return {
        name: _grade(console, catalog.served[JUDGE], engines, name, answered, folder)
        for name, answered in answers.items()
    }


def draw_rows(store: Store, most: int) -> pl.DataFrame:
    """Rows of the validation split, those first in an order that is the same everywhere.

    Columns: ``conversation_id``, ``source``, ``system_message``, ``phrases``, ``history``,
    ``question``.
    """
    phrases = _read_phrases()
    rows = [
        {
            **{name: row[name] for name in ("conversation_id", "source")},
            "system_message": message["content"],
            "phrases": phrases[row["conversation_id"]],
            "history": history,
            "question": question["content"],
        }
        for row in read_validation(store, _MIXTURE).iter_rows(named=True)
        for message, *history, question, _ in [row["messages"]]
    ]
    rows.sort(key=lambda row: derive_seed(row["conversation_id"], NAME))
    return pl.DataFrame(rows[:most], schema=_ROWS)


_ROWS = {
    **dict.fromkeys(("conversation_id", "source", "system_message"), pl.String()),
    "phrases": pl.List(pl.Struct({"tag": pl.String(), "text": pl.String()})),
    "history": MESSAGES,
    "question": pl.String(),
}


def _read_phrases() -> Mapping[str, list[dict[str, str]]]:
    """Those of the message of each real row, by conversation."""
    lines = map(json.loads, ROWS.read_text(encoding="utf-8").splitlines())
    return {
        line["conversation_id"]: [
            {"tag": phrase["tag"], "text": phrase["text"]} for phrase in line["phrases"]
        ]
        for line in lines
    }


def _build_requests(rows: pl.DataFrame) -> Iterator[ChatRequest]:
    for row in rows.iter_rows(named=True):
        messages = [
            {"role": "system", "content": row["system_message"]},
            *row["history"],
            {"role": "user", "content": row["question"]},
        ]
        yield ChatRequest(
            row["conversation_id"], messages, _SAMPLING, derive_seed(row["conversation_id"], NAME)
        )


def _grade(
    console: Console,
    judge: Model,
    engines: Engines,
    subject: str,
    answers: pl.DataFrame,
    folder: Path,
) -> pl.DataFrame:
    """One subject's answers with what rules, and then the judge, say of each phrase."""
    answered = answers.filter(pl.col("drop_reason").is_null())
    decided = answered.with_columns(
        phrases=decide_by_rules(answered["phrases"], phrase_judgement.list_answers(answered)),
        may_decline=may_refuse(pl.col("new_answer"), pl.col("question")),
    )
    requests = [*phrase_judgement.build_phrase_requests(decided)]
    file = folder / "gradings" / f"{subject}.jsonl"
    said = _ask(console, engines, judge, f"{JUDGE} of {subject}", requests, file)
    graded = phrase_judgement.build_obedience(decided, said, JUDGE, is_generator=False)
    of_answers = ("conversation_id", "source", "new_answer", "finish_reason", "drop_reason")
    whole = answers.select(of_answers).join(
        graded.drop("source", "finish_reason", strict=False),
        on="conversation_id",
        how="left",
        maintain_order="left",
    )
    whole.write_ndjson(folder / f"{subject}.jsonl")
    return whole


def _ask(
    console: Console,
    engines: Engines,
    model: Model,
    title: str,
    requests: Iterable[ChatRequest],
    remembered: Path,
) -> pl.DataFrame:
    requests = [*requests]

    def show(progress: Progress) -> None:
        say(console, f"  {title}: {progress}")

    def report(line: str) -> None:
        say(console, f"  {title}: {line}")

    with Ledger(remembered) as ledger, engines.connection(model, report) as connection:
        progress = Progress(total=len(requests))
        return complete(connection, requests, progress, ledger, show, show_every_s=_SHOW_EVERY_S)


def build_items(graded: pl.DataFrame) -> pl.DataFrame:
    """`ITEM_COLUMNS` of a subject's rows: the share of phrases obeyed, by who decided them."""
    items = [
        {
            "metric": OBEYED,
            "of": of,
            **dict.fromkeys(("item", "cluster"), row["conversation_id"]),
            "value": sum(said) / len(said) if said else None,
            "drop_reason": row["drop_reason"] or (None if said else NO_VERDICT),
        }
        for of, graders in _GRADERS.items()
        for row in graded.iter_rows(named=True)
        for said in [
            [
                phrase["verdict"] == Verdict.OBEYED
                for phrase in row["phrases"] or ()
                if phrase["by"] in graders
            ]
        ]
    ]
    return pl.DataFrame(items, schema=polars_schema(ITEM_COLUMNS))


def score(items: pl.DataFrame, subject: str) -> pl.DataFrame:
    """`SCORE_COLUMNS`; of those by rules alone no judge is named."""
    scores = score_items(items, subject=subject, protocol=_PROTOCOL, judge=JUDGE, worth=WORTH)
    of_judge = pl.when(pl.col("of") != BY_RULES).then(pl.col("judge", "worth"))
    return scores.with_columns(of_judge)


def describe(file: Path, graded: Mapping[str, pl.DataFrame]) -> dict[str, Any]:
    """Who judged what: the file, its sha256 and quantisation, the prompt, and what was decided."""
    by: Counter[str] = Counter()
    for rows in graded.values():
        by.update(phrase["by"] or "nobody" for phrase in rows["phrases"].explode().drop_nulls())
    with file.open("rb") as opened:
        sha256 = hashlib.file_digest(opened, "sha256").hexdigest()
    [wrote] = {json.loads(line)["model"]["file"] for line in ROWS.read_text().splitlines()}
    return {
        "file": file.name,
        "sha256": sha256,
        "quantisation": read_gguf(file).quantisation,
        "prompt": phrase_judgement.PROMPT.fingerprint,
        "worth": WORTH,
        "wrote_the_new_answers": file.name == wrote,
        "rows": max(rows.height for rows in graded.values()),
        "phrases_by": dict(sorted(by.items())),
        "answers_cut": {
            name: int((rows["finish_reason"] == CUT).sum()) for name, rows in graded.items()
        },
    }
