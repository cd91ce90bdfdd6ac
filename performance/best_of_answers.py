"""What several answers under one message are worth: rules broken, results contradicted, tokens.

    python performance/best_of_answers.py [ROWS]

Rows are made up, half sums and half questions for Python; messages and answers are those of the
simulated model `phi-4`, asked without a server. It prints the table of `docs/pipeline.md`.
"""

import json
import sys
from collections.abc import Iterable
from random import Random

import polars as pl

from sysgen_dagster.chat.completions import COMPLETIONS
from sysgen_dagster.chat.messages import ChatRequest
from sysgen_dagster.chat.tokens import estimate_tokens
from sysgen_dagster.lanes.sysgen import attempts, filtering, verification
from sysgen_dagster.lanes.sysgen.answers import answer
from sysgen_dagster.lanes.sysgen.settings import Method, Preset
from sysgen_dagster.obedience.by_rules import decide_by_rules
from sysgen_dagster.simulated.profiles import PROFILES
from sysgen_dagster.simulated.protocol import parse_chat_request
from sysgen_dagster.simulated.writer import write_answer
from sysgen_dagster.sources.tables import CONVERSATIONS
from sysgen_dagster.tables.table import kept

BEST = Method(preset=Preset.BEST)
PROFILE = PROFILES["phi-4"]


def ask(requests: Iterable[ChatRequest], _: int) -> pl.DataFrame:
    """`COMPLETIONS` of the simulated model."""
    rows = []
    for each in requests:
        fields = {"temperature": each.sampling.temperature, "max_tokens": each.sampling.max_tokens}
        body = {"model": "phi-4", "messages": [*each.messages], "seed": each.seed, **fields}
        replied = write_answer(parse_chat_request(json.dumps(body)), PROFILE)
        prompt = sum(estimate_tokens(turn["content"]) for turn in each.messages)
        rows.append(
            {
                **dict.fromkeys(COMPLETIONS),
                "request_id": each.request_id,
                "text": replied.text,
                "finish_reason": replied.finish_reason,
                "prompt_tokens": prompt,
                "completion_tokens": estimate_tokens(replied.text),
                "attempts": 1,
            }
        )
    return pl.DataFrame(rows, COMPLETIONS)


def make_conversations(rows: int) -> pl.DataFrame:
    """`CONVERSATIONS`, half of them sums with a final answer, half with Python in the answer."""
    draw = Random(0)  # noqa: S311 - the same rows every time
    made = []
    for number in range(rows):
        a, b = draw.randrange(2, 90), draw.randrange(2, 90)
        question = f"A farmer has {a} melons and buys {b} more. How many melons are {a} + {b}?"
        original = f"He has {a} + {b} = {a + b} melons.\n\nThe answer is: {a + b}"
        if number % 2:
            question = f"Write a Python function that returns every entry of list {a} above {b}."
            original = (
                f"```python\ndef pick(entries):\n    return [e for e in entries if e > {b}]\n```"
            )
        made.append(
            {
                **dict.fromkeys(CONVERSATIONS.columns),
                "conversation_id": f"row-{number}",
                "source": "sums" if number % 2 == 0 else "python",
                "history": [],
                "question": question,
                "answer": original,
            }
        )
    return pl.DataFrame(made, CONVERSATIONS.schema)


def main(rows: int) -> None:
    """Print the table for 1, 2 and 4 answers."""
    conversations = make_conversations(rows)
    annotated = kept(attempts.annotate(conversations, ask, BEST))
    filtered = kept(filtering.filter_messages(annotated, BEST.drop_rule, BEST.mend))
    verdicts = ask(verification.build_verification_requests(filtered, BEST), filtered.height)
    verified = kept(
        verification.build_verified_messages(filtered, verdicts, BEST.unreadable_verdict)
    )
    print("| n | `contradiction` | kept | break a rule | contradict | tokens in | tokens out |")
    print("|---|---|---|---|---|---|---|")
    for contradiction in ("allow", "drop"):
        for most in (1, 2, 4):
            method = BEST.changed({"answers": most, "contradiction": contradiction})
            aligned = answer(verified, conversations, ask, method)
            rows_left = kept(aligned).join(
                verified.select("conversation_id", "phrases"), on="conversation_id"
            )
            broken = decide_by_rules(
                rows_left["phrases"], pl.Series([[text] for text in rows_left["new_answer"]])
            )
            breaks = sum(any(p["verdict"] == "not_obeyed" for p in of) for of in broken)
            wrong = (rows_left["result"] == "contradicts").sum()
            left = rows_left.height
            print(
                f"| {most} | `{contradiction}` | {left / aligned.height:.1%} | {breaks / left:.1%} "
                f"| {wrong / left:.1%} | {aligned['all_prompt_tokens'].sum():,} "
                f"| {aligned['all_completion_tokens'].sum():,} |"
            )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2_000)
