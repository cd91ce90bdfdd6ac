"""Items that people have labelled, as judges are asked about them.

Belongs here: the items beside this module, and the form of reviewed rows. Does not: what a judge's
verdicts on them are worth (`calibration`).
"""

import json
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
# Changes with the pairs and the phrases.
FINGERPRINT = sha256(
    b"".join(file.read_bytes() for file in (_FILE, _PHRASES) if file.is_file())
).hexdigest()[:12]
REVIEWED: Final = "reviewed"  # the set of rows that reviewers decided
PHRASES: Final = "phrases"  # the set of phrases with answers

# No reviewed rows, as `build_judge_calibration` takes them.
NO_REVIEWED = pl.DataFrame(
    schema={
        **{name: pl.String() for name in ("conversation_id", "source", "label")},
        **{name: pl.String() for name in ("system_message", "question", "new_answer")},
        "history": CONVERSATIONS.schema["history"],
    }
)


_LABELLED_PHRASES = {
    **NO_REVIEWED.schema,
    "phrases": pl.List(pl.Struct({"tag": pl.String(), "text": pl.String()})),
    "may_decline": pl.Boolean(),
}


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


def read_labelled_phrases(file: Path = _PHRASES) -> pl.DataFrame:
    """The labelled phrases that rules leave open, as a judge is asked about them.

    Of what rules decide a judge is not asked, so that it is not held against it either.

    Args:
        file: JSON lines with ``phrase``, ``question``, ``answer`` and ``label``: ``obeyed`` or
            ``not_obeyed``; lines with another label are left out.

    Returns:
        ``conversation_id``, ``source``, ``label``, and what
        `phrase_judgement.build_phrase_requests` needs; no rows where there is no file.
    """
    lines = file.read_text("utf-8").splitlines() if file.is_file() else []
    labels = (Verdict.OBEYED.value, Verdict.NOT_OBEYED.value)
    rows = [
        {
            "conversation_id": f"phrase-{number:04}",
            "source": PHRASES,
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
    return decided.filter(is_left_to_judge())
