"""Figures of a proof as tables in Markdown: each with its interval, its items and its seeds."""

from collections.abc import Iterable, Mapping
from typing import Any

TITLES = {
    "base": "base, its own template",
    "base_without_persona": "base, without persona",
    "no_system_message": "original answers, no message",
    "original_answer": "message, original answer",
    "sysgen": "SysGen message, new answer",
}
SHARES, NATS = "%", "nats"  # units of scores
Row = Mapping[str, Any]


def title_of(subject: str) -> str:
    """For people; of another seed than the first, with its number."""
    name, _, seed = subject.partition("_seed_")
    return f"{TITLES.get(name, name)}{seed and f', seed {seed}'}"


def score_table(
    rows: list[Row], shown: Mapping[tuple[str, str], str], unit: str, floors: list[str]
) -> str:
    """A line for each subject, and one for a server that says "yes" where there are floors."""
    of = {(row["subject"], row["metric"], row["of"]): row for row in rows}
    lines = []
    for subject in dict.fromkeys(row["subject"] for row in rows):
        found = [of.get((subject, *each)) for each in shown]
        lines.append([title_of(subject), *(_figure(row, "score", unit) for row in found)])
    if any(floors):
        lines.append(['a server that says "yes"', *floors])
    return as_table(["subject", *shown.values()], lines)


def list_floors(rows: list[Row], shown: Mapping[tuple[str, str], str], unit: str) -> list[str]:
    """That of each score that is shown; empty where there is none."""
    of = {(row["metric"], row["of"]): row["floor"] for row in reversed(rows)}
    return [_number(of.get(each), unit) for each in shown]


def difference_table(rows: list[Row], shown: Mapping[tuple[str, str], str], unit: str) -> str:
    """A line for each pair of subjects."""
    of = {(row["of_subject"], row["from"], row["metric"], row["of"]): row for row in rows}
    lines = [
        [f"{title_of(second)}, minus {title_of(first)}"]
        + [_figure(of.get((second, first, *each)), "difference", unit) for each in shown]
        for second, first in dict.fromkeys((row["of_subject"], row["from"]) for row in rows)
    ]
    return as_table(["paired", *shown.values()], lines)


def _figure(row: Row | None, name: str, unit: str) -> str:
    """A figure with its interval, the number of its items and the values of its seeds.

    Bold: a difference whose interval does not hold 0, and of which each seed has the sign.
    """
    if row is None or row[name] is None:
        return "unknown" if row else "not measured"
    signed = name == "difference" or unit == NATS
    seeds = row.get("seeds", [])
    text = f"{_number(row[name], unit, signed=signed)}"
    if row["low"] is not None:
        ends = [_number(row[end], unit, signed=signed) for end in ("low", "high")]
        text += f" ({ends[0]} to {ends[1]})"
        is_off_0 = row["low"] > 0 or row["high"] < 0
        if name == "difference" and is_off_0 and all(_is_alike(seed, row[name]) for seed in seeds):
            text = f"**{text}**"
    dropped = f" of {row['items'] + row['dropped']}" if row.get("dropped") else ""
    values = ", ".join(_number(seed, unit, signed=signed) or "unknown" for seed in seeds)
    return f"{text}; {row['items']}{dropped}{values and f'; seeds {values}'}"


def _is_alike(seed: float | None, whole: float) -> bool:
    """Whether the value of a seed has the sign of the mean over all seeds."""
    return seed is not None and seed * whole > 0


def _number(value: float | None, unit: str, *, signed: bool = False) -> str:
    if value is None:
        return ""
    sign = "+" if signed else ""
    return f"{value:{sign}.3f}" if unit == NATS else f"{100 * value:{sign}.1f} %"


def as_table(head: list[str], lines: Iterable[list[str]]) -> str:
    """A table in Markdown."""
    rows = [head, ["---"] * len(head), *lines]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)
