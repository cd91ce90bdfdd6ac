"""Asks a judge whether the labelled answers decline of which rules are not sure, and readers are.

    python performance/judge_refusals.py --endpoint http://127.0.0.1:8080 --model qwen \
        --judge "Qwen2.5-Coder-1.5B-Instruct Q4_K_M, llama.cpp" --most 10

Prompt, request, client and reader are those of the asset `obedience`, for an answer of whose
phrases none is open. Replies are added to `judged_refusals.jsonl` beside the labels; what stands
there is not asked again. `python performance/refusals.py` prints what follows from them.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

import polars as pl

from sysgen_dagster.catalog.models import Engine, Model
from sysgen_dagster.inference.client import complete
from sysgen_dagster.inference.engines import Engines
from sysgen_dagster.inference.ledger import Ledger
from sysgen_dagster.inference.progress import Progress
from sysgen_dagster.obedience.phrase_judgement import PROMPT, build_phrase_requests
from sysgen_dagster.obedience.tables import PHRASE_VERDICTS

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
from sysgen_dagster_tests.lanes.sysgen.labelled_refusals import (  # noqa: E402
    ANSWER,
    JUDGED,
    REFUSAL,
    read_judged,
    read_labelled,
)

AT_ONCE = 2


def main() -> None:
    """Ask about those that were not asked about, and keep the replies."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--endpoint", required=True)
    parser.add_argument("--model", required=True, help="as the server names it")
    parser.add_argument("--judge", required=True, help="model, quantisation and engine")
    parser.add_argument("--half", help="only this one")
    parser.add_argument("--most", type=int, default=1_000, help="answers to ask about")
    options = parser.parse_args()
    said = read_judged().filter(judge=options.judge, prompt_fingerprint=PROMPT.fingerprint)
    labelled = read_labelled().filter(half=options.half) if options.half else read_labelled()
    open_rows = labelled.filter("may_decline", pl.col("label").is_in((REFUSAL, ANSWER)))
    rows = open_rows.filter(~pl.col("id").is_in(said["id"].implode())).head(options.most)
    replies = ask(rows, options.endpoint, options.model)
    with JUDGED.open("a", encoding="utf-8") as lines:
        for identity, text in replies.select("request_id", "text").drop_nulls().iter_rows():
            line = {
                "id": identity,
                "judge": options.judge,
                "prompt_fingerprint": PROMPT.fingerprint,
            }
            lines.write(json.dumps(line | {"reply": text}, ensure_ascii=False) + "\n")
    print(f"{replies['text'].count()} of {rows.height} answered")


def ask(rows: pl.DataFrame, endpoint: str, served: str) -> pl.DataFrame:
    """`completions.COMPLETIONS` of the rows."""
    entry = Model(name="judge", served_name=served, engine=Engine.ENDPOINT, base_urls=(endpoint,))
    asked = rows.select(
        "system_message",
        "question",
        conversation_id="id",
        new_answer="answer",
        history=pl.lit([]),
        phrases=pl.lit([], PHRASE_VERDICTS),
        may_decline=True,
    )
    with tempfile.TemporaryDirectory() as folder:
        ledger = Ledger(Path(folder) / "judged.jsonl")
        with ledger, Engines(Path(folder)).connection(entry, print) as connection:
            requests = build_phrase_requests(asked)
            progress = Progress(total=rows.height)
            return complete(connection, requests, progress, ledger, print, most_in_flight=AT_ONCE)


if __name__ == "__main__":
    main()
