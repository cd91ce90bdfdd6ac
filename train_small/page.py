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
from figures import (
    NATS,
    SHARES,
    TITLES,
    Row,
    as_table,
    difference_table,
    list_floors,
    score_table,
    title_of,
)

from sysgen_dagster.report import drawing

HERE = Path(__file__).parent
RESULTS = HERE / "results.json"
PAGE = HERE.parent / "docs" / "proof.md"
PICTURE = HERE.parent / "docs" / "images" / "proof.svg"
BEGIN, END = "<!-- results: begin -->\n", "<!-- results: end -->"

# By suite: the scores that are shown, by metric and by what they are of.
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
# The same of what a judge had a part in, which stands apart.
OBEDIENCE = {
    ("obeyed", "total"): "all phrases",
    ("obeyed", "rules"): "by rules alone",
    ("obeyed", "judge"): "by the judge alone",
}
JUDGED = "held_out_obedience"
# Pixels; to the left more, as browsers have wider letters than the program that draws the labels.
_PADDING = {"left": 45, "right": 5, "top": 5, "bottom": 5}
_ORDER = {subject: place for place, subject in enumerate(TITLES)}


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
    for name in (name for name in results if name != "made"):
        lines = ",\n".join(json.dumps(_rounded(row)) for row in results[name])
        parts.append(f'"{name}": [\n{lines}\n]')
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _rounded(row: Row) -> dict[str, Any]:
    def rounded(value: Any) -> Any:
        return round(value, 6) if isinstance(value, float) else value

    return {
        name: [*map(rounded, value)] if isinstance(value, list) else rounded(value)
        for name, value in row.items()
    }


def render(results: Mapping[str, Any], picture: str) -> str:
    """The tables of some results, in Markdown, and the picture that lies at this link."""
    made = results["made"]
    parts = [f"![Scores of the subjects, with intervals]({picture})\n", _provenance(made)]
    parts += _seeds(results)
    for suite, (title, unit, shown) in SHOWN.items():
        if any(row["suite"] == suite for row in results["scores"]):
            parts += _tables(results, suite, title, unit, shown)
        else:
            parts.append(f"**{title}** was not measured: its items were not at hand.\n")
    if judge := made.get("judge"):
        parts.append(_judge(judge))
        parts += _tables(results, JUDGED, _OBEYED, SHARES, OBEDIENCE)
    return "\n".join(parts)


def _tables(
    results: Row, suite: str, title: str, unit: str, shown: Mapping[tuple[str, str], str]
) -> Iterator[str]:
    """The scores of a suite, and the differences: over all seeds where there are several."""
    scores = [row for row in results["scores"] if row["suite"] == suite]
    named = _shown(shown, scores)
    floors = list_floors(scores, named, unit)
    over = [row for row in results.get("scores_over_seeds", ()) if row["suite"] == suite]
    students = {row["subject"] for row in over}
    alone = [row for row in scores if row["subject"].partition("_seed_")[0] not in students]
    yield f"**{title}**\n\n{score_table(_in_order([*alone, *over]), named, unit, floors)}"
    differences = results.get("differences_over_seeds", results["differences"])
    yield difference_table([row for row in differences if row["suite"] == suite], named, unit)


def _in_order(rows: Iterable[Row]) -> list[Row]:
    """Subjects as they are described, the seeds of each beside each other."""
    return sorted(rows, key=lambda row: _ORDER[row["subject"].partition("_seed_")[0]])


def _seeds(results: Row) -> Iterator[str]:
    """What figures over several seeds can say; nothing where there is one."""
    seeds = max((len(row["seeds"]) for row in results.get("scores_over_seeds", ())), default=1)
    if seeds > 1:
        yield (
            f"Students are of {seeds} seeds. A figure is the mean over the items of all of them; "
            "its interval comes of drawing items again, each with all its seeds; behind it is the "
            "value of each seed. The interval is one of items, for these trainings: how far "
            f"another seed would lie from them is seen from no more than these {seeds} values. A "
            "difference is bold where its interval does not hold 0 and each seed has its sign, "
            "which without any effect of the training all seeds have one time in "
            f"{2 ** (seeds - 1)}.\n"
        )


_OBEYED = "Phrases of held-out messages that answers obey, mean over rows (uncalibrated)"


def _judge(judge: Row) -> str:
    """Who graded, and what is known of that."""
    cut = (f"{title_of(name)} {number}" for name, number in judge["answers_cut"].items())
    by = ", ".join(f"{name} {number}" for name, number in judge["phrases_by"].items())
    itself = "; it wrote the new answers that students learned" * judge["wrote_the_new_answers"]
    said = {
        "judge": f"{judge['file']} ({judge['quantisation']}, sha256 `{judge['sha256'][:12]}`), "
        f"prompt `{judge['prompt']}`{itself}",
        "worth": judge["worth"],
        "phrases decided by": f"{by}, on {judge['rows']} rows of each subject",
        "answers cut at the limit": "; ".join(cut),
    }
    table = as_table(["", ""], [[name, text] for name, text in said.items()])
    lead = "**Uncalibrated**: a judge has a part in what follows, and nobody knows how good it is."
    return f"{lead}\n\n{table}"


def _shown(shown: Mapping[tuple[str, str], str], rows: Iterable[Row]) -> dict[tuple[str, str], str]:
    """Names of scores; of a suite of which none are named, all over all items."""
    if shown:
        return dict(shown)
    there = [(row["metric"], row["of"]) for row in rows if row["of"] == "total"]
    return {each: each[0].replace("_", " ") for each in there}


def _provenance(made: Row) -> str:
    minutes = (f"{stage} {seconds / 60:.0f}" for stage, seconds in made["seconds"].items())
    said = {
        "made": f"on {made['on']} by `{made['command']}` on {made['cores']} cores",
        "minutes": ", ".join(minutes),
        "seeds": ", ".join(sorted({str(seed) for seed in made["seeds"].values()})),
        "versions": ", ".join(f"{name} {number}" for name, number in made["versions"].items()),
        "sha256": ", ".join(f"{name} `{value[:12]}`" for name, value in made["sha256"].items()),
    }
    return as_table(["", ""], [[name, text] for name, text in said.items()])


def draw(scores: Iterable[Row]) -> str:
    """A panel for each score: a point for each subject, and its interval as a line."""
    panels = [
        _panel(pl.DataFrame(rows), f"{name}{' (nats a token)' if unit == NATS else ''}", unit)
        for name, unit, rows in _panels(list(scores))
    ]
    chart = alt.vconcat(*panels).resolve_scale(x="independent")
    chart = chart.properties(padding=_PADDING)
    return drawing.svg(chart, "Scores of the subjects, with intervals", alone=True)


def _panels(scores: list[Row]) -> Iterator[tuple[str, str, list[dict[str, Any]]]]:
    for suite, (_, unit, shown) in SHOWN.items():
        of_suite = _in_order(row for row in scores if row["suite"] == suite)
        for (metric, of), name in _shown(shown, of_suite).items():
            rows = [
                {
                    "subject": title_of(row["subject"]),
                    "of": title_of(row["subject"].partition("_seed_")[0]),
                    **{end: row[end] for end in ("score", "low", "high")},
                }
                for row in of_suite
                if (row["metric"], row["of"]) == (metric, of) and row["score"] is not None
            ]
            if rows:
                yield name, unit, rows


def _panel(data: pl.DataFrame, title: str, unit: str) -> alt.LayerChart:
    axis = alt.Axis(title=None, format=".0%" if unit == SHARES else "+.3~f", tickCount=6)
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
