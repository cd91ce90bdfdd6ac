"""What the row-level analyses cost: CPU time by part, and for the five sources as a whole.

    python performance/row_quality_cost.py
    python performance/row_quality_cost.py --rows ../data    # files in the upstream schemas

Conversations are drawn as the sources share the 806,796 of the paper, and drawn again where there
are too few. New answers and system messages are made of the conversations' own words, since what
costs is how long they are: answers 1.5 times the original (the paper's Table 1 has 1.35 to 1.89),
messages of eight phrases. Time is that of all threads.
"""

import argparse
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

import polars as pl
from rich.console import Console
from rich.table import Table

from sysgen_dagster.analysis.languages import match_languages
from sysgen_dagster.analysis.leakage import measure_leakage
from sysgen_dagster.analysis.personal_data import find_personal_data
from sysgen_dagster.analysis.repetition import measure_repetition
from sysgen_dagster.analysis.row_quality import measure_row_quality
from sysgen_dagster.analysis.similarity import measure_similarity
from sysgen_dagster.catalog.load import FULL_CATALOG
from sysgen_dagster.catalog.sources import Source
from sysgen_dagster.commands.trial_catalog import EXAMPLE_ROWS, local_catalog
from sysgen_dagster.lanes.catalog import load_catalog
from sysgen_dagster.lanes.sysgen.annotation import PROMPT
from sysgen_dagster.lanes.sysgen.tables import PHRASES
from sysgen_dagster.lanes.sysgen.tags import Tag
from sysgen_dagster.obedience.final_answers import compare_final_answers, find_final_answers
from sysgen_dagster.obedience.python_blocks import count_python_blocks
from sysgen_dagster.sources.conversations import build_conversations
from sysgen_dagster.sources.files import read_shard
from sysgen_dagster.tables.table import kept

# Conversations by source: SysGen (arXiv 2502.11330), Table 9.
_SHARES = {
    "capybara": 41_301,
    "airoboros": 59_277,
    "orca_math": 200_035,
    "magicoder": 111_183,
    "metamath": 395_000,
}
_TOTAL = sum(_SHARES.values())
_LENGTH_RATIO = 1.5
_WORDS_A_PHRASE = 10
_CONTENT = list(Tag).index(Tag.CONTENT)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=Path, default=EXAMPLE_ROWS, help="folder of the five files")
    parser.add_argument("--count", type=int, default=8_000, help="conversations (a shard's)")
    parser.add_argument("--rounds", type=int, default=3, help="the fastest one counts")
    options = parser.parse_args()
    rows = _responses(_conversations(options.rows), options.count)
    table = Table(title=f"{rows.height:,} conversations of {options.rows}", title_justify="left")
    table.add_column("part")
    table.add_column("CPU s per 1,000", justify="right")
    table.add_column(f"CPU min for {_TOTAL:,}", justify="right")
    for name, part in _parts(rows).items():
        seconds = min(_cpu_seconds(part) for _ in range(options.rounds)) / rows.height
        table.add_row(name, f"{1_000 * seconds:.3f}", f"{seconds * _TOTAL / 60:.1f}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    table.caption = f"Peak memory of the process: {peak:,.0f} MB."
    Console().print(table)


def _parts(rows: pl.DataFrame) -> dict[str, Callable[[], object]]:
    question, answer = rows["question"], rows["answer"]
    message, new_answer = rows["system_message"], rows["new_answer"]
    content = rows["phrases"].list.get(_CONTENT).struct.field("text")
    ends, unrepaired = find_final_answers(answer), rows.with_columns(repaired=pl.lit(value=False))
    return {
        "similarity": lambda: measure_similarity(answer, new_answer),
        "final_answers": lambda: compare_final_answers(answer, new_answer),
        "python_blocks": lambda: (count_python_blocks(answer), count_python_blocks(new_answer)),
        "leakage": lambda: measure_leakage(question, answer, content, message, ends),
        "languages": lambda: match_languages(question, message, new_answer),
        "repetition": lambda: measure_repetition(new_answer),
        "personal_data": lambda: find_personal_data(
            rows, ("question", "system_message", "new_answer")
        ),
        "row_quality": lambda: measure_row_quality(unrepaired, PROMPT),
    }


def _cpu_seconds(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def _conversations(folder: Path) -> dict[str, pl.DataFrame]:
    """The usable conversations of each source."""
    sources = local_catalog(load_catalog(FULL_CATALOG), folder).sources
    with tempfile.TemporaryDirectory() as cache:
        return {name: _read(source, Path(cache)) for name, source in sources.items()}


def _read(source: Source, cache: Path) -> pl.DataFrame:
    whole = source.model_copy(update={"shards": 1})
    rows = build_conversations(read_shard(whole, 0, cache), whole)
    return kept(rows).select("conversation_id", "source", "question", "answer")


def _responses(conversations: dict[str, pl.DataFrame], count: int) -> pl.DataFrame:
    """As many aligned responses as asked for, in the proportions of the sources."""
    drawn = pl.concat(
        rows.sample(count * _SHARES[name] // _TOTAL, with_replacement=True, seed=1)
        for name, rows in conversations.items()
    )
    rng = Random(1)  # noqa: S311 - repeatable on purpose, no secret
    made = [_response(*row, rng) for row in drawn.select("question", "answer").iter_rows()]
    schema = {"phrases": PHRASES, "system_message": pl.String, "new_answer": pl.String}
    return drawn.hstack(pl.DataFrame(made, schema=schema, orient="row"))


def _response(question: str, answer: str, rng: Random) -> tuple[list[dict[str, str]], str, str]:
    """Phrases, system message and new answer: the answer's lines in another order, and more."""
    lines = answer.split("\n")
    more = rng.choices(lines, k=round((_LENGTH_RATIO - 1) * len(lines)))
    words = (question + " " + answer).split()
    texts = [" ".join(rng.choices(words, k=_WORDS_A_PHRASE)) + "." for _ in Tag]
    phrases = [{"tag": tag.value, "text": text} for tag, text in zip(Tag, texts, strict=True)]
    return phrases, " ".join(texts), "\n".join(rng.sample(lines, len(lines)) + more)


if __name__ == "__main__":
    main()
