"""A model writes preference sets: for each of an instruction's sets one preference a dimension.

What each preference is about is drawn (`taxonomy`); the model says what somebody who asks this
instruction may prefer there, in a few words and in a description that is about this instruction.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import polars as pl

from sysgen_dagster.chat.completions import COMPLETIONS, CUT, add_completions
from sysgen_dagster.chat.constraints import Constraint
from sysgen_dagster.chat.drop_reasons import NoAnswer
from sysgen_dagster.chat.messages import ChatRequest, derive_seed
from sysgen_dagster.chat.prompts import load_prompt, separating_mark
from sysgen_dagster.chat.words import count_words
from sysgen_dagster.lanes.multifaceted import paper
from sysgen_dagster.lanes.multifaceted.asking import Ask, ask_until_sound
from sysgen_dagster.lanes.multifaceted.contradictions import contradicts
from sysgen_dagster.lanes.multifaceted.drop_reasons import Dropped
from sysgen_dagster.lanes.multifaceted.labelled_texts import build_grammar
from sysgen_dagster.lanes.multifaceted.likeness import most_alike
from sysgen_dagster.lanes.multifaceted.replies import PARTS, read_reply
from sysgen_dagster.lanes.multifaceted.settings import Multifaceted
from sysgen_dagster.lanes.multifaceted.tables import INSTRUCTIONS, PREFERENCE_SETS, set_id
from sysgen_dagster.lanes.multifaceted.taxonomy import DIMENSIONS, Aspect, draw_aspects, label_of

PROMPT = load_prompt("multifaceted_preference_set")
SAMPLING = paper.WRITING
# A description of fewer words repeats the preference. The prompt asks for one or two sentences.
FEWEST_WORDS = 8

Preference = Mapping[str, str]

_FEWEST, _MOST = paper.PREFERENCE_WORDS
_OF_PART = dict(zip(PARTS, (_FEWEST, FEWEST_WORDS), strict=True))
GRAMMAR = build_grammar(
    {f"{label_of(each)} {part}": _OF_PART[part] for each in DIMENSIONS for part in PARTS}
)
_OF_ONE = {
    "type": "object",
    "properties": {part: {"type": "string"} for part in PARTS},
    "required": list(PARTS),
    "additionalProperties": False,
}
FORM = Constraint(
    structured={"grammar": GRAMMAR},
    grammar=GRAMMAR,
    schema={
        "type": "object",
        "properties": dict.fromkeys(DIMENSIONS, _OF_ONE),
        "required": list(DIMENSIONS),
        "additionalProperties": False,
    },
    is_needed=False,
)


def write_preference_sets(
    instructions: pl.DataFrame, ask: Ask, settings: Multifaceted, limit: int | None = None
) -> pl.DataFrame:
    """`tables.PREFERENCE_SETS`: for each instruction its sets, in the order of the instructions.

    Args:
        instructions: `tables.INSTRUCTIONS` without those that are dropped.
        ask: Asks the model.
        settings: How many sets, how often each is asked for, and what is refused.
        limit: Instructions after the first so many are not asked about; None: all are.
    """
    inputs = build_inputs(instructions, settings)
    asked = inputs if limit is None else inputs.head(limit * settings.sets)
    rows = ask_until_sound(
        asked,
        ask,
        settings.attempts,
        partial(build_requests, settings=settings),
        partial(build_rows, settings=settings),
        partial(drop_alike, most=settings.most_alike),
    )
    nothing = pl.DataFrame(schema=COMPLETIONS)
    not_asked = build_rows(inputs.slice(asked.height), nothing, 0, settings)
    return pl.concat([rows, not_asked])


def build_inputs(instructions: pl.DataFrame, settings: Multifaceted) -> pl.DataFrame:
    """One row per preference set that is to be written: its id, the instruction, its aspects."""
    taxonomy = settings.taxonomy
    rows = [
        {
            "conversation_id": set_id(instruction_id, number),
            "source": source,
            "instruction_id": instruction_id,
            "question": question,
            "aspects": [
                {"dimension": each.dimension, "subdimension": each.subdimension} for each in aspects
            ],
        }
        for instruction_id, source, question in instructions.select(
            "conversation_id", "source", "question"
        ).iter_rows()
        for number, aspects in enumerate(
            draw_aspects(instruction_id, settings.sets, taxonomy, settings.seed)
        )
    ]
    text = pl.String()
    schema = {
        **{name: PREFERENCE_SETS.schema[name] for name in ("conversation_id", "source")},
        "instruction_id": text,
        "question": INSTRUCTIONS.schema["question"],
        "aspects": pl.List(pl.Struct({"dimension": text, "subdimension": text})),
    }
    return pl.DataFrame(rows, schema, orient="row")


def build_requests(
    inputs: pl.DataFrame, attempt: int, settings: Multifaceted
) -> Iterator[ChatRequest]:
    """One request per row of `build_inputs`."""
    taxonomy = settings.taxonomy
    for row in inputs.iter_rows(named=True):
        aspects = [
            Aspect(name := each["dimension"], sub := each["subdimension"], taxonomy[name][sub])
            for each in row["aspects"]
        ]
        yield ChatRequest(
            row["conversation_id"],
            PROMPT.render(
                mark=separating_mark([row["question"]]),
                instruction=row["question"],
                aspects=aspects,
            ),
            SAMPLING,
            derive_seed(row["conversation_id"], PREFERENCE_SETS.name, attempt),
            constraint=FORM if settings.constrained else None,
        )


def build_rows(
    inputs: pl.DataFrame, completions: pl.DataFrame, attempt: int, settings: Multifaceted
) -> pl.DataFrame:
    """`tables.PREFERENCE_SETS` after one attempt at each row of `build_inputs`, in their order."""
    answered = add_completions(inputs, completions, PROMPT)
    wanted = ("aspects", "text", "finish_reason", "drop_reason")
    read = [_read(*row, settings=settings) for row in answered.select(wanted).iter_rows()]
    schema = {name: PREFERENCE_SETS.schema[name] for name in ("preference_set", "drop_reason")}
    return answered.with_columns(
        pl.DataFrame(read, schema, orient="row"),
        reply="text",
        attempt=attempt_of(attempt),
    ).select(PREFERENCE_SETS.names)


def attempt_of(attempt: int) -> pl.Expr:
    """The number of the attempt; null where the model was not asked."""
    number = pl.lit(attempt, dtype=PREFERENCE_SETS.schema["attempt"])
    return pl.when(pl.col("attempts").is_not_null()).then(number)


def _read(
    aspects: Sequence[Mapping[str, str]],
    text: str | None,
    finish_reason: str | None,
    drop_reason: str | None,
    *,
    settings: Multifaceted,
) -> tuple[list[dict[str, Any]], str | None]:
    """The set that a reply gives, and why it is dropped."""
    if text is None:
        return [], drop_reason
    preferences = read_preferences(aspects, text)
    if drop_reason is None and finish_reason == CUT:
        drop_reason = NoAnswer.TRUNCATED.value
    return preferences, drop_reason or find_fault(preferences, settings)


def read_preferences(aspects: Sequence[Mapping[str, str]], reply: str) -> list[dict[str, Any]]:
    """The set that a reply gives for these aspects; parts that it lacks are null."""
    found = read_reply(reply)
    preferences: list[dict[str, Any]] = [
        {**aspect, **{part: found.get(aspect["dimension"], {}).get(part) for part in PARTS}}
        for aspect in aspects
    ]
    for each in preferences:
        each["preference"] = (each["preference"] or "").rstrip(".\u3002") or None
    return preferences


def find_fault(preferences: Sequence[Mapping[str, Any]], settings: Multifaceted) -> str | None:
    """Why a set cannot be used, whatever the other sets of its instruction say; None: it can."""
    if not all(each[part] for each in preferences for part in PARTS):
        return Dropped.MISSING_PREFERENCE.value
    if not all(_FEWEST <= count_words(each["preference"]) <= _MOST for each in preferences):
        return Dropped.PREFERENCE_LENGTH.value
    if any(count_words(each["description"]) < FEWEST_WORDS for each in preferences):
        return Dropped.SHORT_DESCRIPTION.value
    taxonomy = settings.taxonomy
    for each in preferences:
        meanings = [*taxonomy[each["dimension"]].values()]
        if most_alike(each["description"], meanings) > settings.most_alike:
            return Dropped.REPEATS_TAXONOMY.value
    return Dropped.CONTRADICTORY.value if contradicts(preferences) else None


def drop_alike(rows: pl.DataFrame, most: float) -> pl.DataFrame:
    """`tables.PREFERENCE_SETS`; a set too like an earlier one of its instruction is dropped.

    Two sets are if the ROUGE-L of their descriptions in one dimension is above `most`, or if one
    set says the same in two dimensions.
    """
    earlier: dict[tuple[str, str], list[str]] = {}
    reasons = []
    wanted = ("instruction_id", "preference_set", "drop_reason")
    for instruction_id, preferences, drop_reason in rows.select(wanted).iter_rows():
        said = {each["dimension"]: each["description"] for each in preferences}
        if drop_reason is None and _is_alike(instruction_id, said, earlier, most):
            drop_reason = Dropped.TOO_ALIKE.value
        reasons.append(drop_reason)
        if drop_reason is None:
            for dimension, text in said.items():
                earlier.setdefault((instruction_id, dimension), []).append(text)
    return rows.with_columns(pl.Series("drop_reason", reasons, pl.String()))


def _is_alike(
    instruction_id: str,
    said: Mapping[str, str],
    earlier: Mapping[tuple[str, str], list[str]],
    most: float,
) -> bool:
    texts = list(said.values())
    within = (most_alike(text, texts[:at]) for at, text in enumerate(texts))
    before = (
        most_alike(text, earlier.get((instruction_id, name), [])) for name, text in said.items()
    )
    return any(each > most for each in (*within, *before))
