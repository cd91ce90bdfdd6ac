"""The page of `make proof`: results as tables with intervals, and as one picture.

    python train_small/page.py

writes the tables of the stored `results.json` into docs/proof.md, and its picture beside it.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import altair as alt
import polars as pl

from sysgen_dagster.report import drawing

HERE = Path(__file__).parent
RESULTS = HERE / "results.json"
PAGE = HERE.parent / "docs" / "proof.md"
PICTURE = HERE.parent / "docs" / "images" / "proof.svg"
BEGIN, END = "<!-- results: begin -->\n", "<!-- results: end -->"

TITLES = {
    "base": "base, its own template",
    "base_without_persona": "base, without persona",
    "no_system_message": "original answers, no message",
    "original_answer": "message, original answer",
    "sysgen": "SysGen message, new answer",
}
# By suite: the scores that are shown, by metric and by what they are of.
SHARES = "%"
NATS = "nats"
SHOWN: Mapping[str, tuple[str, str, Mapping[tuple[str, str], str]]] = {
    "message_likelihood": (
        "Held-out answers under their own message, and minus under another or none (nats a token)",
        NATS,
        {
            ("own", "new_answer"): "new answers under their own",
            ("own_minus_other", "new_answer"): "new answers: own minus another's",
            ("own_minus_none", "new_answer"): "new answers: own minus none",
            ("own_minus_other", "original_answer"): "original answers: own minus another's",
        },
    ),
    "conflict_set": (
        "Conflict set",
        SHARES,
        {
            ("kept_under_conflict", "total"): "kept under conflict",
            ("helped", "aligned"): "helped when aligned",
            ("helped", "unrelated"): "helped when unrelated",
            ("broken_without_message", "total"): "broken without the message",
        },
    ),
    "s_ifeval": ("S-IFEval", SHARES, {}),
}
Row = Mapping[str, Any]


def write_page(folder: Path, results: Mapping[str, Any]) -> Path:
    """Write results, page and picture of a run, and return their folder."""
    folder.mkdir(exist_ok=True)
    (folder / RESULTS.name).write_text(as_json(results), encoding="utf-8")
    (folder / PICTURE.name).write_text(draw(results["scores"]), encoding="utf-8")
    text = f"# What small trainings show\n\n{render(results, PICTURE.name)}"
    (folder / "README.md").write_text(text, encoding="utf-8")
    return folder


def as_json(results: Mapping[str, Any]) -> str:
    """Results as a file: a line for each score, so that a change of one is seen."""
    parts = [f'"made": {json.dumps(results["made"], indent=2)}']
    for name in ("scores", "differences"):
        lines = ",\n".join(json.dumps(_rounded(row)) for row in results[name])
        parts.append(f'"{name}": [\n{lines}\n]')
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _rounded(row: Row) -> dict[str, Any]:
    return {
        name: round(value, 6) if isinstance(value, float) else value for name, value in row.items()
    }


def render(results: Mapping[str, Any], picture: str) -> str:
    """The tables of some results, in Markdown, and the picture that lies at this link."""
    made = results["made"]
    parts = [f"![Scores of the subjects, with intervals]({picture})\n", _provenance(made)]
    for suite, (title, unit, shown) in SHOWN.items():
        scores = [row for row in results["scores"] if row["suite"] == suite]
        if not scores:
            parts.append(f"**{title}** was not measured: its items were not at hand.\n")
            continue
        named = _shown(shown, scores)
        parts.append(f"**{title}**\n\n{_scores(scores, named, unit)}")
        differences = [row for row in results["differences"] if row["suite"] == suite]
        parts.append(f"{_differences(differences, named, unit)}")
    return "\n".join(parts)


def _shown(shown: Mapping[tuple[str, str], str], rows: Iterable[Row]) -> dict[tuple[str, str], str]:
    """Names of scores; of a suite of which none are named, all over all items."""
    if shown:
        return dict(shown)
    there = [(row["metric"], row["of"]) for row in rows if row["of"] == "total"]
    return {each: each[0].replace("_", " ") for each in there}


def _title(subject: str) -> str:
    """For people; of another seed than the first, with its number."""
    name, _, seed = subject.partition("_seed_")
    return f"{TITLES.get(name, name)}{seed and f', seed {seed}'}"


def _scores(rows: list[Row], shown: Mapping[tuple[str, str], str], unit: str) -> str:
    of = {(row["subject"], row["metric"], row["of"]): row for row in rows}
    lines = []
    for subject in dict.fromkeys(row["subject"] for row in rows):
        found = [of.get((subject, *each)) for each in shown]
        lines.append([_title(subject), *(_figure(row, "score", unit) for row in found)])
    first = [of.get((next(iter(of))[0], *each)) for each in shown]
    if any(row and row["floor"] is not None for row in first):
        floors = (_number(row and row["floor"], unit) for row in first)
        lines.append(['a server that says "yes"', *floors])
    return _table(["subject", *shown.values()], lines)


def _differences(rows: list[Row], shown: Mapping[tuple[str, str], str], unit: str) -> str:
    of = {(row["of_subject"], row["from"], row["metric"], row["of"]): row for row in rows}
    lines = [
        [f"{_title(second)}, minus {_title(first)}"]
        + [_figure(of.get((second, first, *each)), "difference", unit) for each in shown]
        for second, first in dict.fromkeys((row["of_subject"], row["from"]) for row in rows)
    ]
    return _table(["paired", *shown.values()], lines)


def _figure(row: Row | None, name: str, unit: str) -> str:
    """A figure with its interval and the number of its items; bold: a difference without 0."""
    if row is None or row[name] is None:
        return "unknown" if row else "not measured"
    signed = name == "difference" or unit == NATS
    text = f"{_number(row[name], unit, signed=signed)}"
    if row["low"] is not None:
        ends = [_number(row[end], unit, signed=signed) for end in ("low", "high")]
        text += f" ({ends[0]} to {ends[1]})"
        if name == "difference" and (row["low"] > 0 or row["high"] < 0):
            text = f"**{text}**"
    dropped = f" of {row['items'] + row['dropped']}" if row.get("dropped") else ""
    return f"{text}; {row['items']}{dropped}"


def _number(value: float | None, unit: str, *, signed: bool = False) -> str:
    if value is None:
        return ""
    sign = "+" if signed else ""
    return f"{value:{sign}.3f}" if unit == NATS else f"{100 * value:{sign}.1f} %"


def _table(head: list[str], lines: Iterable[list[str]]) -> str:
    rows = [head, ["---"] * len(head), *lines]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _provenance(made: Row) -> str:
    minutes = (f"{stage} {seconds / 60:.0f}" for stage, seconds in made["seconds"].items())
    said = {
        "made": f"on {made['on']} by `{made['command']}` on {made['cores']} cores",
        "minutes": ", ".join(minutes),
        "seeds": ", ".join(sorted({str(seed) for seed in made["seeds"].values()})),
        "versions": ", ".join(f"{name} {number}" for name, number in made["versions"].items()),
        "sha256": ", ".join(f"{name} `{value[:12]}`" for name, value in made["sha256"].items()),
    }
    return _table(["", ""], [[name, text] for name, text in said.items()])


def draw(scores: Iterable[Row]) -> str:
    """A panel for each score: a point for each subject, and its interval as a line."""
    panels = [
        _panel(pl.DataFrame(rows), f"{name}{' (nats a token)' if unit == NATS else ''}", unit)
        for name, unit, rows in _panels(list(scores))
    ]
    chart = alt.vconcat(*panels).resolve_scale(x="independent")
    return drawing.svg(chart, "Scores of the subjects, with intervals", alone=True)


def _panels(scores: list[Row]) -> Iterator[tuple[str, str, list[dict[str, Any]]]]:
    for suite, (_, unit, shown) in SHOWN.items():
        of_suite = [row for row in scores if row["suite"] == suite]
        for (metric, of), name in _shown(shown, of_suite).items():
            rows = [
                {
                    "subject": _title(row["subject"]),
                    "of": _title(row["subject"].partition("_seed_")[0]),
                    **{end: row[end] for end in ("score", "low", "high")},
                }
                for row in of_suite
                if (row["metric"], row["of"]) == (metric, of) and row["score"] is not None
            ]
            if rows:
                yield name, unit, rows


def _panel(data: pl.DataFrame, title: str, unit: str) -> alt.LayerChart:
    axis = alt.Axis(title=None, format=".0%" if unit == SHARES else "+.2f", tickCount=6)
    y = alt.Y("subject:N", sort=data["subject"].to_list(), title=None)
    hues = alt.Scale(domain=list(TITLES.values()), range=list(drawing.HUES[: len(TITLES)]))
    colour = alt.Color("of:N", legend=None, scale=hues)
    scale = alt.Scale(domain=[0, 1]) if unit == SHARES else alt.Scale(zero=True)
    base = alt.Chart(data, title=alt.TitleParams(title, anchor="start", fontSize=13)).encode(y=y)
    rule = base.mark_rule(strokeWidth=2).encode(
        x=alt.X("low:Q", axis=axis, scale=scale), x2="high:Q", color=colour
    )
    point = base.mark_point(filled=True, size=60).encode(x="score:Q", color=colour)
    return alt.layer(rule, point).properties(width=420, height=alt.Step(17))


def with_results(page: str, results: Mapping[str, Any]) -> str:
    """The page of the documents with the tables of these results."""
    text = render(results, f"images/{PICTURE.name}")
    between = re.compile(f"({re.escape(BEGIN)}).*({re.escape(END)})", re.DOTALL)
    return between.sub(lambda found: found[1] + text + found[2], page)


if __name__ == "__main__":
    stored = json.loads(RESULTS.read_text(encoding="utf-8"))
    PAGE.write_text(with_results(PAGE.read_text(encoding="utf-8"), stored), encoding="utf-8")
    PICTURE.write_text(draw(stored["scores"]), encoding="utf-8")
