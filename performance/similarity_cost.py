"""What ROUGE and GLEU of a pair of answers cost: ours, `rouge-score` and `nltk`.

All score the same pairs in alternation over several rounds, in one process with one thread. A new
answer is made of an original one: sentences gone, in another order, and others put in. The bundled
answers are few and short, so they are put together to 1,000 of the paper's mean length; `--rows` is
a folder of your own, with a file for each source.

    python performance/similarity_cost.py --rows my_rows
"""

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from importlib import metadata
from itertools import cycle
from pathlib import Path
from statistics import mean, median

import polars as pl
from nltk.translate.gleu_score import sentence_gleu
from rich.console import Console
from rich.table import Table
from rouge_score.rouge_scorer import RougeScorer

from sysgen_dagster.analysis.similarity import measure_similarity
from sysgen_dagster.catalog.load import FULL_CATALOG
from sysgen_dagster.commands.trial_catalog import EXAMPLE_ROWS
from sysgen_dagster.lanes.catalog import load_catalog
from sysgen_dagster.sources.conversations import build_conversations

_ROWS_OF_THE_PAPER = 806_796  # SysGen (arXiv 2502.11330), Table 2
_ROUGE = ("rouge1", "rouge2", "rougeL")
_OURS, _ROUGE_SCORE, _NLTK = "sysgen-dagster", "rouge-score", "nltk"
_SCORES = {_OURS: "all 7", _ROUGE_SCORE: "ROUGE-1, -2, -L", _NLTK: "GLEU"}
_PACKAGES = ("polars", "rapidfuzz", "rouge-score", "nltk")
_WIDTH = 100
_FEWEST = 1_000
_MEAN_CHARACTERS = 878  # of Orca-Math's answers in the paper's Table 9, the median of the sources

Scores = Mapping[str, Sequence[float]]
Pairs = tuple[Sequence[str], Sequence[str]]  # original answers, new answers


def original_answers(folder: Path, of_a_source: int) -> list[str]:
    """The first answers of every source that has a file there."""
    answers: list[str] = []
    for name, source in load_catalog(FULL_CATALOG).sources.items():
        for path in (folder / f"{name}.parquet", folder / f"{name}.jsonl"):
            if path.is_file():
                rows = _read(path).head(of_a_source)
                found = build_conversations(rows, source)["answer"].drop_nulls()
                answers += found.head(of_a_source).to_list()
    if not answers:
        sys.exit(f"{folder} has no rows of a source of the catalogue")
    return answers if len(answers) >= _FEWEST else [*_put_together(answers)]


def _put_together(answers: Sequence[str]) -> Iterator[str]:
    """As many answers as are wanted, each of several that do not follow one another."""
    for number in range(_FEWEST):
        text, step = answers[number % len(answers)], 1 + number // len(answers)
        while len(text) < _MEAN_CHARACTERS:
            number += 7 * step
            text += f" {answers[number % len(answers)]}"
        yield text


def _read(path: Path) -> pl.DataFrame:
    rows = pl.read_parquet(path) if path.suffix == ".parquet" else pl.read_ndjson(path)
    unused = {"source_row": 0, "occurrence": 0, "source_revision": "", "unusable": None}
    return rows.with_columns(pl.lit(value).alias(column) for column, value in unused.items())


def new_answers(originals: Sequence[str]) -> Iterator[str]:
    """Of each, four of five sentences, and every other time one of the next answer's."""
    others = cycle(originals)
    next(others)
    for number, (answer, other) in enumerate(zip(originals, others, strict=False)):
        foreign = cycle(other.split(". "))
        kept: list[str] = []
        for position, sentence in enumerate(answer.split(". "), start=number):
            kept += [sentence] if position % 5 else []
            kept += [next(foreign)] if position % 2 else []
        yield ". ".join(kept[:: -1 if number % 3 == 0 else 1])


def ours(pairs: Pairs) -> Scores:
    """All columns of the table."""
    original, new = map(pl.Series, pairs)
    return measure_similarity(original, new).to_dict(as_series=False)


def rouge_score(pairs: Pairs) -> Scores:
    """ROUGE-1, -2 and -L."""
    scorer = RougeScorer(list(_ROUGE), use_stemmer=False)
    scores = [scorer.score(*pair) for pair in zip(*pairs, strict=True)]
    return {name: [score[name].fmeasure for score in scores] for name in _ROUGE}


def nltk_gleu(pairs: Pairs) -> Scores:
    """GLEU of the words between blanks."""
    texts = ((original.split(), new.split()) for original, new in zip(*pairs, strict=True))
    return {"gleu": [sentence_gleu([original], new) for original, new in texts]}


_SCORERS = {_OURS: ours, _ROUGE_SCORE: rouge_score, _NLTK: nltk_gleu}


def measured(name: str, pairs: Pairs) -> tuple[float, Scores]:
    """CPU seconds, and the scores."""
    begun = time.process_time()
    scores = _SCORERS[name](pairs)
    return time.process_time() - begun, scores


def largest_difference(scores: Mapping[str, Scores]) -> float:
    """Between a score of ours and a library's."""
    return max(
        abs(one - other)
        for name in (_ROUGE_SCORE, _NLTK)
        for metric, theirs in scores[name].items()
        for one, other in zip(scores[_OURS][metric], theirs, strict=True)
    )


def cost_table(seconds: Mapping[str, Sequence[float]], pairs: Pairs, difference: float) -> Table:
    """One line for each: median, and the least and the most of the rounds."""
    count = len(pairs[0])
    words = (mean(len(text.split()) for text in texts) for texts in pairs)
    table = Table(title_justify="left", caption_justify="left")
    table.title = "{:,} pairs of {:.0f} and {:.0f} words on average".format(count, *words)
    for name in ("", "scores"):
        table.add_column(name, no_wrap=True)
    for name in ("CPU s per 1,000 pairs", "to ours", f"{_ROWS_OF_THE_PAPER:,} pairs"):
        table.add_column(name, justify="right", no_wrap=True)
    for name, rounds in seconds.items():
        each = sorted(1_000 * taken / count for taken in rounds)
        minutes = median(each) * _ROWS_OF_THE_PAPER / 1_000 / 60
        table.add_row(
            *(name, _SCORES[name]),
            f"{median(each):.3f} ({each[0]:.3f}-{each[-1]:.3f})",
            f"{median(rounds) / median(seconds[_OURS]):.1f} x",
            f"{minutes:,.1f} min",
        )
    table.caption = f"Median (least-most) of the rounds. Largest difference: {difference:.1g}"
    return table


def growth_table(pairs: Pairs, sizes: Sequence[int]) -> Table:
    """The cost of one pair of very long texts: all the answers, again and again."""
    table = Table(title="One pair of long texts, all 7 scores", title_justify="left")
    for name in ("words of each", "MB of both", "CPU s"):
        table.add_column(name, justify="right")
    for size in sizes:
        texts = [" ".join(_first(size, answers)) for answers in pairs]
        seconds, _ = measured(_OURS, ([texts[0]], [texts[1]]))
        megabytes = sum(len(text.encode()) for text in texts) / 1e6
        table.add_row(f"{size:,}", f"{megabytes:.2f}", f"{seconds:.2f}")
    return table


def _first(count: int, answers: Sequence[str]) -> list[str]:
    words = cycle(word for answer in answers for word in answer.split())
    return [next(words) for _ in range(count)]


def machine() -> dict[str, str]:
    """What the figures depend on besides the code."""
    model = Path("/proc/cpuinfo").read_text().partition("model name")[2].partition("\n")[0]
    return {
        "cpu": model.strip("\t :") or platform.machine(),
        "python": platform.python_version(),
        **{name: metadata.version(name) for name in _PACKAGES},
    }


def main() -> None:
    """Measure, print, and write the figures down."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--rows", type=Path, default=EXAMPLE_ROWS, help="NAME.parquet or .jsonl of each"
    )
    parser.add_argument("--pairs", type=int, default=200, help="at most, of each source")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--long-texts", type=int, nargs="*", default=[1_000, 10_000, 50_000, 150_000]
    )
    parser.add_argument("--json", type=Path, help="where all figures are written")
    asked = parser.parse_args()
    if pl.thread_pool_size() > 1:  # it is set before Polars is imported, or not at all
        environment = os.environ | {"POLARS_MAX_THREADS": "1"}
        os.execve(sys.executable, [sys.executable, *sys.argv], environment)  # noqa: S606

    originals = original_answers(asked.rows, asked.pairs)
    pairs = originals, list(new_answers(originals))
    seconds: dict[str, list[float]] = {name: [] for name in _SCORERS}
    scores: dict[str, Scores] = {}
    console = Console()
    console.width = max(console.width, _WIDTH)
    with console.status("measuring") as status:
        for number in range(1, asked.rounds + 1):
            for name in _SCORERS:
                status.update(f"round {number} of {asked.rounds}: {name}")
                taken, scores[name] = measured(name, pairs)
                seconds[name].append(taken)
        status.update("long texts")
        growth = growth_table(pairs, asked.long_texts)

    facts, difference = machine(), largest_difference(scores)
    console.print("; ".join(f"{name} {value}" for name, value in facts.items()))
    console.print(cost_table(seconds, pairs, difference))
    if asked.long_texts:
        console.print(growth)
    if asked.json:
        figures = {"machine": facts, "pairs": len(originals), "seconds": seconds}
        figures |= {"largest_difference": difference}
        asked.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
