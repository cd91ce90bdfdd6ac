"""Measures prompts of Phases 1 and 3 on real rows with a real model.

    python performance/prompts.py --endpoint http://127.0.0.1:8080/v1 --model qwen --rows ../data \
        --variants in_one_text,as_turns --half tune --out tuned.jsonl
    python performance/prompts.py --rows ../data --half tune --read tuned.jsonl    # asks nothing
    python performance/prompts.py --read tuned.jsonl --record read.jsonl    # for the parser's tests

The rows are as many conversations of each source, chosen by a hash of their texts and cut into two
halves: prompts are tuned on one and measured, once, on the other. Requests are those that the
package builds, with its seeds, and texts are read by its parser. `planted_faults.jsonl` holds
messages with tags that are wrong on purpose, for Phase 3's judge.
"""

import argparse
import hashlib
import json
import re
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import polars as pl
from rich.console import Console
from rich.table import Table

from sysgen_dagster.analysis.leakage import measure_leakage
from sysgen_dagster.catalog.load import FULL_CATALOG
from sysgen_dagster.chat.messages import ChatRequest
from sysgen_dagster.chat.prompts import Prompt
from sysgen_dagster.commands.trial_catalog import EXAMPLE_ROWS, local_catalog
from sysgen_dagster.lanes.catalog import load_catalog
from sysgen_dagster.lanes.sysgen.annotation import PROMPTS, build_annotation_requests
from sysgen_dagster.lanes.sysgen.settings import Demonstrations, Method
from sysgen_dagster.lanes.sysgen.tags import Phrase, parse_tagged_message
from sysgen_dagster.lanes.sysgen.verification import (
    Verdict,
    build_verification_requests,
    parse_verdicts,
)
from sysgen_dagster.obedience.final_answers import find_final_answers
from sysgen_dagster.sources.conversations import build_conversations
from sysgen_dagster.sources.files import read_shard
from sysgen_dagster.tables.rates import wilson_interval
from sysgen_dagster.tables.table import kept

PLANTED = Path(__file__).with_name("planted_faults.jsonl")
HALVES = ("tune", "test")
_VERDICTS = "verdicts"  # the variant that asks Phase 3's judge about `PLANTED`
_RUN = 5  # words: fewer in a row are often a set phrase
_Z95 = 1.96
_TIMEOUT_S = 1_800

Text = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Server:
    """An OpenAI-compatible server, the name that it gives its model, and requests at once.

    A temperature replaces that of the requests; high ones give malformed texts for tests.
    """

    endpoint: str
    model: str
    at_once: int
    temperature: float | None = None

    def ask(self, requests: Iterable[ChatRequest]) -> Iterator[dict[str, Any]]:
        """Text, finish reason and tokens of each request, as they come."""
        with ThreadPoolExecutor(self.at_once) as pool:
            sent = [pool.submit(self._ask_one, request) for request in requests]
            for answered in as_completed(sent):
                yield answered.result()

    def _ask_one(self, request: ChatRequest) -> dict[str, Any]:
        body = {
            "model": self.model,
            "messages": list(request.messages),
            "temperature": self.temperature or request.sampling.temperature,
            "max_tokens": request.sampling.max_tokens,
            "top_p": 1.0,
            "top_k": -1,
            "min_p": 0.0,
            "repetition_penalty": 1.0,
            "seed": request.seed,
        }
        sent = Request(  # noqa: S310 - the URL is the user's own
            f"{self.endpoint.rstrip('/')}/chat/completions",
            json.dumps(body).encode(),
            {"Content-Type": "application/json"},
        )
        with urlopen(sent, timeout=_TIMEOUT_S) as reply:  # noqa: S310
            said = json.load(reply)
        choice, usage = said["choices"][0], said["usage"]
        return {
            "conversation_id": request.request_id,
            "completion": choice["message"]["content"],
            "finish": choice["finish_reason"],
            "prompt_tokens": usage["prompt_tokens"],
            "completion_tokens": usage["completion_tokens"],
        }


def read_rows(folder: Path, half: str, per_source: int, longest: int) -> pl.DataFrame:
    """Conversations of each source for one half, `per_source` in all and half of them here."""
    catalog = local_catalog(load_catalog(FULL_CATALOG), folder)
    chosen = []
    with tempfile.TemporaryDirectory() as cache:
        for source in catalog.sources.values():
            shards = [read_shard(source, index, Path(cache)) for index in range(source.shards)]
            usable = kept(build_conversations(pl.concat(shards), source))
            before = pl.col("history").list.eval(pl.element().struct.field("content"))
            chars = pl.concat_str(before.list.join(""), "question", "answer").str.len_chars()
            short = usable.filter(chars <= longest).unique("conversation_id", maintain_order=True)
            order = short["conversation_id"].map_elements(_hash, return_dtype=pl.String)
            rows = short.with_columns(order=order).sort("order").drop("order").head(per_source)
            chosen.append(rows.gather_every(len(HALVES), HALVES.index(half)))
    return pl.concat(chosen)


def _hash(text: str) -> str:
    return hashlib.blake2b(text.encode()).hexdigest()


def read_planted() -> pl.DataFrame:
    """`PLANTED` as Phase 3 reads messages: one row each, with the tags that are wrong."""
    rows = []
    for number, entry in enumerate(_read(PLANTED)):
        phrases = [
            {"tag": each.tag.value, "text": each.text}
            for each in parse_tagged_message(entry["tagged_message"]).phrases
        ]
        rows.append({**entry, "conversation_id": f"planted-{number}", "phrases": phrases})
    return pl.DataFrame(rows)


def ask(server: Server, variant: str, rows: pl.DataFrame) -> Iterator[dict[str, Any]]:
    """What the model writes under one variant, with what is needed to measure it later."""
    if variant == _VERDICTS:
        planted = read_planted()
        requests = build_verification_requests(planted, Method())
        about = {"phase": 3, "prompt": _VERDICTS}
        sources = dict.fromkeys(planted["conversation_id"], "planted")
    else:
        prompt = PROMPTS[Demonstrations(variant)]
        requests = build_annotation_requests(rows, prompt=prompt)
        about = {"phase": 1, "prompt": f"{variant} {prompt.fingerprint}"}
        sources = dict(rows.select("conversation_id", "source").iter_rows())
    for said in server.ask(requests):
        yield {"model": server.model, **about, "source": sources[said["conversation_id"]], **said}


def measure_messages(texts: Sequence[Text], rows: pl.DataFrame, prompt: Prompt) -> dict[str, str]:
    """The figures of Phase 1 texts that were written with one prompt."""
    fixed = _plain(" ".join(m["content"] for m in prompt.render(mark="", messages=[])))
    plain = [parse_tagged_message(each["completion"]) for each in texts]
    mended = [
        parse_tagged_message(each["completion"], mend=True, is_cut=each["finish"] != "stop")
        for each in texts
    ]
    copied = [is_copied(message.phrases, fixed) for message in mended]
    tags = [len({phrase.tag for phrase in message.phrases}) for message in mended]
    well_formed = [bool(m.phrases) and not m.has_malformed_boundary for m in mended]
    return {
        "texts": str(len(texts)),
        "well-formed": _share(
            sum(bool(m.phrases) and not m.has_malformed_boundary for m in plain), len(texts)
        ),
        "with mend": _share(sum(well_formed), len(texts)),
        "tags a message": f"{sum(tags) / len(tags):.1f}, at least {min(tags)}",
        "of four tags or more": _share(sum(count >= 4 for count in tags), len(tags)),
        "copied": _share(sum(copied), len(texts)),
        "final answer leaked": _leaked(texts, mended, rows),
        "tokens in, out": " ".join(
            f"{sum(each[side] for each in texts) / len(texts):.0f}"
            for side in ("prompt_tokens", "completion_tokens")
        ),
    }


def is_copied(phrases: Sequence[Phrase], fixed: str) -> bool:
    """Whether half of a message's 5-word runs, or a whole phrase, stands in the prompt's text."""
    words = [_plain(phrase.text).split() for phrase in phrases]
    runs = [" ".join(each[at : at + _RUN]) for each in words for at in range(len(each) - _RUN + 1)]
    whole = [" ".join(each) for each in words if len(each) > 2]
    padded = f" {fixed} "
    of_runs = sum(f" {run} " in padded for run in runs)
    return of_runs * 2 >= max(1, len(runs)) or any(f" {each} " in padded for each in whole)


def _plain(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.lower()))


def _leaked(texts: Sequence[Text], messages: Sequence[Any], rows: pl.DataFrame) -> str:
    """How many messages hold the final answer of the original answer, where it has one."""
    joined = pl.DataFrame(
        {
            "conversation_id": [each["conversation_id"] for each in texts],
            "message": [" ".join(phrase.text for phrase in each.phrases) for each in messages],
        }
    ).join(rows, on="conversation_id", how="left", maintain_order="left")
    final = find_final_answers(joined["answer"])
    leaks = measure_leakage(
        joined["question"], joined["answer"], joined["message"], joined["message"], final
    )["final_answer_leaked"]
    return _share(int(leaks.sum()), len(leaks))


def measure_verdicts(texts: Sequence[Text]) -> dict[str, str]:
    """The figures of Phase 3 texts about the planted faults."""
    planted = {row["conversation_id"]: row for row in read_planted().iter_rows(named=True)}
    judged = [
        (tag in planted[each["conversation_id"]]["wrong_tags"], verdicts.get(tag))
        for each in texts
        for verdicts in [parse_verdicts(each["completion"])]
        for tag in {phrase["tag"] for phrase in planted[each["conversation_id"]]["phrases"]}
    ]
    wrong = [verdict for is_wrong, verdict in judged if is_wrong]
    right = [verdict for is_wrong, verdict in judged if not is_wrong]
    refused = (Verdict.BAD, Verdict.NONE)
    return {
        "texts": str(len(texts)),
        "tags read": _share(sum(verdict is not None for _, verdict in judged), len(judged)),
        "wrong tags found": _share(sum(each in refused for each in wrong), len(wrong)),
        "right tags refused": _share(sum(each in refused for each in right), len(right)),
    }


def record(texts: Sequence[Text], path: Path) -> None:
    """Write each text with what the parser reads in it, to be checked by reading it."""
    lines = [json.dumps({**each, "expected": _expect(each)}, ensure_ascii=False) for each in texts]
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def _expect(text: Text) -> dict[str, Any]:
    said = text["completion"]
    if text["phase"] == 3:
        return {tag.value: verdict.value for tag, verdict in parse_verdicts(said).items()}
    is_cut = text["finish"] != "stop"
    expected = {}
    for name, mend in (("plain", False), ("mended", True)):
        message = parse_tagged_message(said, mend=mend, is_cut=is_cut)
        expected[name] = {
            "tags": [phrase.tag.value for phrase in message.phrases],
            "defects": [defect.kind.value for defect in message.defects],
            "well_formed": bool(message.phrases) and not message.has_malformed_boundary,
        }
    return expected


def _share(part: int, whole: int) -> str:
    low, high = wilson_interval(part / whole if whole else 0.0, whole, _Z95)
    return f"{part} of {whole} ({low:.0%} to {high:.0%})"


def _print(title: str, figures: Mapping[str, str]) -> None:
    table = Table(title=title, show_header=False)
    for name, figure in figures.items():
        table.add_row(name, figure)
    Console().print(table)


def main() -> None:
    """Ask or read, then print the figures of every variant."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--endpoint", help="of the server, up to /v1")
    parser.add_argument("--model", help="as the server names it")
    parser.add_argument("--rows", type=Path, default=EXAMPLE_ROWS, help="folder of the five files")
    parser.add_argument("--per-source", type=int, default=12, help="rows of both halves")
    parser.add_argument("--longest", type=int, default=2_000, help="characters of a row")
    parser.add_argument("--half", choices=HALVES, default="tune")
    parser.add_argument("--variants", default="as_turns", help=f"of Phase 1; or {_VERDICTS}")
    parser.add_argument("--at-once", type=int, default=4, help="requests in flight")
    parser.add_argument("--temperature", type=float, help="instead of the phases' own")
    parser.add_argument("--out", type=Path, help="JSONL that the texts are added to")
    parser.add_argument("--read", type=Path, help="JSONL of texts to measure; no server is asked")
    parser.add_argument("--record", type=Path, help="JSONL that the texts are written to, read")
    args = parser.parse_args()
    if args.record:
        record(_read(args.read), args.record)
        return
    rows = read_rows(args.rows, args.half, args.per_source, args.longest)
    texts = _read(args.read) if args.read else []
    started = time.monotonic()
    if not args.read:
        server = Server(args.endpoint, args.model, args.at_once, args.temperature)
        for variant in args.variants.split(","):
            for text in ask(server, variant, rows):
                texts.append(text)
                if args.out:
                    with args.out.open("a", encoding="utf-8") as file:
                        file.write(json.dumps(text, ensure_ascii=False) + "\n")
    for prompt, said in _by_prompt(texts):
        title = f"{prompt}, {args.half}, {time.monotonic() - started:.0f} s"
        if prompt == _VERDICTS:
            _print(title, measure_verdicts(said))
        else:
            variant = Demonstrations(prompt.partition(" ")[0])
            _print(title, measure_messages(said, rows, PROMPTS[variant]))


def _read(path: Path) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def _by_prompt(texts: Sequence[Text]) -> Iterator[tuple[str, list[Text]]]:
    for prompt in dict.fromkeys(each["prompt"] for each in texts):
        yield prompt, [each for each in texts if each["prompt"] == prompt]


if __name__ == "__main__":
    main()
