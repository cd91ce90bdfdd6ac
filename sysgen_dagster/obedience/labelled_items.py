"""Items with labels that were made without any judge, as judges are asked about them.

Who made them is said in `calibration`.

Belongs here: the items beside this module, and the form of reviewed rows. Does not: what a judge's
verdicts on them are worth (`calibration`).
"""

import json
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Final

import polars as pl

from sysgen_dagster.obedience.by_rules import decide_by_rules
from sysgen_dagster.obedience.phrase_judgement import is_left_to_judge
from sysgen_dagster.obedience.preference_judgement import NEW, ORIGINAL
from sysgen_dagster.obedience.rules import Verdict
from sysgen_dagster.sources.tables import CONVERSATIONS

_FOLDER = Path(__file__).parent / "labelled"
_FILE, _PHRASES = _FOLDER / "llmbar.jsonl", _FOLDER / "phrases.jsonl"
# Changes with the pairs and the phrases, and with which of them are asked about.
FINGERPRINT = sha256(
    b"every phrase" + b"".join(file.read_bytes() for file in (_FILE, _PHRASES) if file.is_file())
).hexdigest()[:12]
REVIEWED: Final = "reviewed"  # the set of rows that reviewers decided
# The sets of phrases with answers. A judge decides what rules leave open, so that its errors there
# count most; of the others it is asked, too, as better rules leave ever fewer open.
PHRASES: Final = "phrases"
PHRASES_BY_RULES: Final = "phrases_by_rules"

# No reviewed rows, as `build_judge_calibration` takes them.
NO_REVIEWED = pl.DataFrame(
    schema={
        **{name: pl.String() for name in ("conversation_id", "source", "label")},
        **{name: pl.String() for name in ("system_message", "question", "new_answer")},
        "history": CONVERSATIONS.schema["history"],
    }
)


_NO = pl.lit(None, dtype=pl.String())
_LABELLED_PHRASES = {
    **NO_REVIEWED.schema,
    "phrases": pl.List(pl.Struct({"tag": pl.String(), "text": pl.String()})),
    "may_decline": pl.Boolean(),
}


@cache  # of each judge of each model
def read_labelled_pairs() -> pl.DataFrame:
    """LLMBar as rows with two answers: the first one is the original, the second the new answer.

    Returns:
        ``conversation_id``, ``source``, ``question``, ``history`` (empty), ``answer``,
        ``new_answer``, ``label`` (``original`` or ``new``).
    """
    rows = [
        {
            "conversation_id": f"llmbar-{number:03}",
            "source": f"llmbar/{pair['set']}",
            "question": pair["question"],
            "history": [],
            "answer": pair["answer_1"],
            "new_answer": pair["answer_2"],
            "label": {1: ORIGINAL, 2: NEW}[pair["better"]],
        }
        for number, pair in enumerate(map(json.loads, _FILE.read_text("utf-8").splitlines()))
    ]
    return pl.DataFrame(rows, schema_overrides={"history": CONVERSATIONS.schema["history"]})


@cache
def read_labelled_phrases(file: Path = _PHRASES) -> pl.DataFrame:
    """The labelled phrases, as a judge is asked about them.

    Args:
        file: JSON lines with ``phrase``, ``question``, ``answer`` and ``label``: ``obeyed`` or
            ``not_obeyed``; lines with another label are left out.

    Returns:
        ``conversation_id``, ``source`` (`PHRASES` of those that rules leave open, else
        `PHRASES_BY_RULES`), ``label``, and what `phrase_judgement.build_phrase_requests` needs,
        with no verdict of rules; no rows where there is no file.
    """
    lines = file.read_text("utf-8").splitlines() if file.is_file() else []
    labels = (Verdict.OBEYED.value, Verdict.NOT_OBEYED.value)
    rows = [
        {
            "conversation_id": f"phrase-{number:04}",
            "source": PHRASES_BY_RULES,
            "system_message": said["phrase"],
            "question": said["question"],
            "history": [],
            "new_answer": said["answer"],
            "label": said["label"],
            "phrases": [{"tag": said.get("tag"), "text": said["phrase"]}],
            "may_decline": False,
        }
        for number, said in enumerate(map(json.loads, lines))
        if said["label"] in labels
    ]
    read = pl.DataFrame(rows, schema=_LABELLED_PHRASES)
    answers = read.select(answers=pl.concat_list("new_answer")).to_series()
    decided = read.with_columns(phrases=decide_by_rules(read["phrases"], answers))
    source = pl.when(is_left_to_judge()).then(pl.lit(PHRASES)).otherwise("source")
    undecided = pl.element().struct.with_fields(
        verdict=pl.lit(Verdict.UNKNOWN.value), by=_NO, rule=_NO
    )
    return decided.with_columns(source=source, phrases=pl.col("phrases").list.eval(undecided))
