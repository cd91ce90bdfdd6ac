"""How much of vLLM's throughput the pipeline gets, and how much of its prefix cache.

One `vllm serve` is started as the pipeline starts it. The requests of Phases 1, 3 and 4 go to it
through the pipeline's client, with a ledger on disk, and through `vllm bench serve`, in the order
ours, bench, bench, ours. Before each round the prefix cache is emptied and one request is sent.

    export SYSGEN_VLLM=path/to/vllm
    python performance/engine_throughput.py --model Qwen/Qwen2.5-7B-Instruct

What the rows are: --sources in proportion to the full catalogue, repeated with a number before each
turn where there are too few. The tagged messages that Phases 3 and 4 are about come from the
simulated models, so that the work is the same whatever model is measured.

Both send the same bodies, seeds and all (`bench_serve_rows.py` says how); what differs is that
`vllm bench serve` lets the answers be streamed to it, which costs its server and itself more CPU.
"""

import argparse
import json
import math
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from http.client import HTTPConnection
from itertools import takewhile
from pathlib import Path
from random import Random
from statistics import mean
from typing import Any
from urllib.parse import urlsplit

import polars as pl
from client_cost import machine
from rich.console import Console
from rich.table import Table

from sysgen_dagster.catalog.load import FULL_CATALOG
from sysgen_dagster.catalog.models import Engine
from sysgen_dagster.chat.messages import ChatRequest
from sysgen_dagster.commands.trial_catalog import EXAMPLE_ROWS, local_catalog, real_model
from sysgen_dagster.inference.chat_api import Endpoint
from sysgen_dagster.inference.client import complete
from sysgen_dagster.inference.engines import Engines
from sysgen_dagster.inference.ledger import Ledger
from sysgen_dagster.inference.local.servers import stop
from sysgen_dagster.inference.local.vllm import find_vllm
from sysgen_dagster.inference.progress import Progress
from sysgen_dagster.lanes.catalog import load_catalog
from sysgen_dagster.lanes.sysgen.alignment import build_alignment_inputs, build_alignment_requests
from sysgen_dagster.lanes.sysgen.annotation import build_annotation_requests
from sysgen_dagster.lanes.sysgen.paper import SOURCES
from sysgen_dagster.lanes.sysgen.settings import Generator
from sysgen_dagster.lanes.sysgen.tags import (
    TAG_NAMES,
    Phrase,
    parse_tagged_message,
    render_tagged_message,
)
from sysgen_dagster.lanes.sysgen.verification import build_verification_requests
from sysgen_dagster.processes.state import running
from sysgen_dagster.simulated.annotation import write_tagged_message
from sysgen_dagster.simulated.profiles import PROFILES
from sysgen_dagster.simulated.reading import read_subject
from sysgen_dagster.sources.conversations import build_conversations
from sysgen_dagster.sources.files import read_shard
from sysgen_dagster.tables.table import kept

OURS, BENCH = "sysgen-dagster", "vllm bench serve"
ORDER = (OURS, BENCH, BENCH, OURS)
GOAL, CACHE_GOAL = 0.97, 0.90
_ROWS_IN_ALL = 806_796  # of the full catalogue
_WIDTH = 118
_BENCH = Path(__file__).with_name("bench_serve_rows.py")
_HAVE_A_PREFIX = ("Phase 1", "Phase 3")
_SHARE_BEFORE = 0.1  # of the requests are sent, unmeasured, before a phase's first round


@dataclass(slots=True)
class Round:
    """One client's way through the requests of a phase."""

    client: str
    seconds: float
    requests: int
    prompt_tokens: int
    output_tokens: int
    in_flight: int
    cached_tokens: list[int] = field(default_factory=list)  # of each request; ours only


@dataclass(slots=True)
class Work:
    """The requests of one phase.

    Attributes:
        too_long: How many were left out because they do not fit the model's context.
        prompt_tokens: Of each request, as the server's tokenizer and chat template make them.
        shared_tokens: Length of the longest common prefix of all prompts, in tokens.
    """

    phase: str
    requests: list[ChatRequest]
    too_long: int
    prompt_tokens: list[int]
    shared_tokens: int
    rounds: list[Round] = field(default_factory=list)

    def rate(self, client: str, of: str = "requests") -> float:
        """Requests or output tokens a second, over all rounds of a client."""
        rounds = [each for each in self.rounds if each.client == client]
        return float(sum(getattr(each, of) for each in rounds) / sum(r.seconds for r in rounds))

    @property
    def cached_tokens(self) -> list[int]:
        """Of each of our requests."""
        return [cached for each in self.rounds for cached in each.cached_tokens]

    @property
    def hit(self) -> float:
        """Which share of the shared prefix came from the cache, on average."""
        return mean(min(each, self.shared_tokens) for each in self.cached_tokens) / (
            self.shared_tokens or math.inf
        )


# The rows


def conversations(folder: Path, count: int, cache: Path) -> pl.DataFrame:
    """Rows of each source as it is represented in the full catalogue, in a mixed order."""
    full = load_catalog(FULL_CATALOG)
    parts = {name: figures.conversations for name, figures in SOURCES.items()}
    frames = []
    for name, source in local_catalog(full, folder).sources.items():
        shards = [read_shard(source, index, cache) for index in range(source.shards)]
        rows = kept(build_conversations(pl.concat(shards), source))
        wanted = math.ceil(count * parts[name] / sum(parts.values()))
        copies = range(math.ceil(wanted / rows.height))
        rows = rows.sample(fraction=1.0, shuffle=True, seed=0)
        frames.append(pl.concat([_numbered(rows, copy) for copy in copies]).head(wanted))
    return pl.concat(frames).sample(fraction=1.0, shuffle=True, seed=0).head(count)


def _numbered(rows: pl.DataFrame, copy: int) -> pl.DataFrame:
    """The rows, or a copy in which every turn of the user's and before begins with a number."""
    if not copy:
        return rows
    mark, turn = pl.lit(f"({copy}) "), pl.element().struct
    marked = pl.struct(turn.field("role"), (mark + turn.field("content")).alias("content"))
    return rows.with_columns(
        conversation_id=pl.col("conversation_id") + f"#{copy}",
        question=mark + pl.col("question"),
        history=pl.col("history").list.eval(marked),
    )


def tagged_messages(rows: pl.DataFrame) -> pl.DataFrame:
    """What Phases 3 and 4 take of Phase 2's table: a message for each row, no two the same."""
    records = []
    wanted = ("conversation_id", "source", "question", "answer")
    for number, (row, source, question, answer) in enumerate(rows.select(wanted).iter_rows()):
        rng = Random(row)  # noqa: S311 - repeatable on purpose, no secret
        phrases: tuple[Phrase, ...] = ()
        while not phrases:  # some are written badly, as models do
            written = write_tagged_message(read_subject(question, answer), PROFILES["phi-4"], rng)
            parsed = parse_tagged_message(written).phrases
            phrases = tuple(sorted(parsed, key=lambda phrase: TAG_NAMES.index(phrase.tag)))
        phrases = (replace(phrases[0], text=f"{phrases[0].text} (No. {number})"), *phrases[1:])
        records.append((row, source, list(map(asdict, phrases)), render_tagged_message(phrases)))
    columns = ["conversation_id", "source", "phrases", "tagged_message"]
    return pl.DataFrame(records, schema=columns, orient="row")


def phase_requests(
    rows: pl.DataFrame, max_tokens: Sequence[int]
) -> Iterator[tuple[str, list[ChatRequest]]]:
    """The requests of each phase that asks a model, as the pipeline makes them."""
    messages, method = tagged_messages(rows), load_catalog(FULL_CATALOG).method
    made = {
        "Phase 1": build_annotation_requests(rows),
        "Phase 3": build_verification_requests(messages, method),
        "Phase 4": build_alignment_requests(build_alignment_inputs(messages, rows)),
    }
    for (phase, requests), most in zip(made.items(), max_tokens, strict=True):
        yield phase, [replace(r, sampling=replace(r.sampling, max_tokens=most)) for r in requests]


def _length_of_common_prefix(prompts: Sequence[list[int]]) -> int:
    """How many tokens all prompts begin with: as many as the first and the last in order do."""
    pairs = zip(min(prompts), max(prompts), strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


# The server


@dataclass(frozen=True, slots=True)
class Served:
    """The server, and what is measured on it."""

    engines: Engines
    model: Generator
    endpoint: Endpoint
    folder: Path  # for ledgers and the benchmark's files
    max_concurrency: int

    @property
    def root(self) -> str:
        """Its URL without ``/v1``."""
        return self.endpoint.base_urls[0].removesuffix("/v1")

    def call(self, path: str, body: Mapping[str, Any] | None = None, method: str = "POST") -> bytes:
        """The body of a reply that must be a good one."""
        connection = HTTPConnection(urlsplit(self.root).netloc, timeout=600)
        headers = {"Content-Type": "application/json"}
        connection.request(method, path, json.dumps(body) if body else None, headers)
        with connection.getresponse() as reply:
            said = reply.read()
        if reply.status != 200:
            sys.exit(f"{self.root}{path} says {reply.status}: {said[:300].decode()}")
        return said

    def block_size(self) -> int:
        """Tokens of a block of the prefix cache, of which only whole ones can be hit."""
        said = self.call("/metrics", method="GET").decode()
        found = re.search(r'cache_config_info\{.*?[{,]block_size="(\d+)"', said)
        return int(found[1]) if found else sys.exit("vLLM's /metrics names no block_size")

    def look_at(self, phase: str, requests: Sequence[ChatRequest]) -> Work:
        """The requests that fit the context, with the tokens of their prompts."""
        context = self.endpoint.capabilities.context_tokens or math.inf
        fitting, prompts = [], []
        for request in requests:
            messages = self.endpoint.turns(request.messages)
            body = {"model": self.endpoint.model.served_name, "messages": messages}
            tokens = json.loads(self.call("/tokenize", body))["tokens"]
            if len(tokens) + request.sampling.max_tokens <= context:
                fitting.append(request)
                prompts.append(tokens)
        if not fitting:
            sys.exit(f"{phase}: no request fits a context of {context:,} tokens")
        lengths, too_long = list(map(len, prompts)), len(requests) - len(fitting)
        return Work(phase, fitting, too_long, lengths, _length_of_common_prefix(prompts))

    def prepare(self, request: ChatRequest) -> None:
        """Empty the prefix cache, but for what the next requests share with this one."""
        if not json.loads(self.call("/reset_prefix_cache"))["success"]:
            sys.exit("vLLM does not empty its prefix cache: something else uses this server")
        turns = self.endpoint.turns(request.messages)
        body = self.endpoint.body(request, turns, self.endpoint.limit(request))
        self.call("/v1/chat/completions", {**body, "max_tokens": 1})

    def measure(self, client: str, requests: Sequence[ChatRequest]) -> Round:
        """One round, on an equally warm server."""
        self.prepare(requests[0])
        done = self._ours(requests) if client == OURS else self._bench(requests)
        if done.requests < len(requests):
            sys.exit(f"{client} has {done.requests} of {len(requests)} answers")
        return done

    def measure_all(self, work: Work) -> Iterator[str]:
        """Every round of a phase, each after its client's name; the first one is not kept."""
        before = math.ceil(len(work.requests) * _SHARE_BEFORE)
        self.measure(OURS, work.requests[:before])
        for client in ORDER:
            yield client
            work.rounds.append(self.measure(client, work.requests))
            sent, counted = work.rounds[-1].prompt_tokens, sum(work.prompt_tokens)
            if sent != counted:  # then it is not the same work
                sys.exit(f"{client} has sent {sent:,} prompt tokens instead of {counted:,}")

    def _ours(self, requests: Sequence[ChatRequest]) -> Round:
        """From the first request sent to the last answer in the table and the ledger."""
        progress = Progress(total=len(requests))
        with tempfile.TemporaryDirectory(dir=self.folder) as folder:
            ledger = Ledger(Path(folder) / "ledger.jsonl")
            with self.engines.connection(self.model, print) as connection, ledger:
                complete(connection, iter(requests), progress, ledger, show=lambda _: None)
            assert progress.began is not None
            seconds = time.monotonic() - progress.began
            with ledger.path.open() as written:
                lines = [json.loads(line) for line in written if line.strip()]
        return Round(
            OURS,
            seconds,
            progress.done - progress.failed,
            progress.prompt_tokens,
            progress.completion_tokens,
            min(progress.at_once, len(requests)),
            [line.get("cached_tokens", 0) for line in lines],
        )

    def _bench(self, requests: Sequence[ChatRequest]) -> Round:
        """From the first request sent to the last answer, by its own clock."""
        rows, result = self.folder / "requests.jsonl", self.folder / "result.json"
        with rows.open("w") as lines:
            for request in requests:
                turns = self.endpoint.turns(request.messages)
                body = self.endpoint.body(request, turns, self.endpoint.limit(request))
                lines.write(json.dumps(body) + "\n")
        command = self.bench_command(len(requests), rows, result)
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"{shlex.join(command)}\n{done.stdout[-2000:]}{done.stderr[-3000:]}")
        figures = json.loads(result.read_text())
        return Round(
            BENCH,
            figures["duration"],
            figures["completed"],
            figures["total_input_tokens"],
            figures["total_output_tokens"],
            min(self.max_concurrency, len(requests)),
        )

    def bench_command(self, count: int, rows: Path, result: Path) -> list[str]:
        """How `vllm bench serve` is called."""
        vllm = find_vllm()
        assert vllm is not None
        return [
            *(str(Path(vllm).with_name("python")), str(_BENCH), "bench", "serve"),
            *("--backend", "openai-chat", "--base-url", self.root),
            *("--endpoint", "/v1/chat/completions", "--model", self.endpoint.model.served_name),
            *("--skip-tokenizer-init", "--dataset-name", "custom", "--dataset-path", str(rows)),
            *("--num-prompts", str(count), "--request-rate", "inf"),
            *("--max-concurrency", str(self.max_concurrency)),
            *("--disable-tqdm", "--save-result", "--result-filename", str(result)),
        ]


@contextmanager
def serving(model: Generator, most: int, console: Console) -> Iterator[Served]:
    """A server of our own, which ends with the context."""
    os.environ["VLLM_SERVER_DEV_MODE"] = "1"  # else its prefix cache cannot be emptied
    with tempfile.TemporaryDirectory() as folder:
        engines = Engines(Path(folder) / "engines", engine=Engine.VLLM)
        try:
            with engines.connection(model, lambda line: console.print(line, markup=False)) as way:
                yield Served(engines, model, way.connect(), Path(folder), most)
        finally:
            for server in running(engines.folder):
                stop(engines.folder, server)


def hardware() -> dict[str, str]:
    """What the figures depend on besides the code; ``gpu`` where there is one."""
    version = subprocess.run(
        [str(find_vllm()), "--version"], capture_output=True, text=True, check=True
    )
    facts = {**machine(), "vllm": version.stdout.split()[-1]}
    if smi := shutil.which("nvidia-smi"):
        asked = [smi, "--query-gpu=name", "--format=csv,noheader"]
        named = subprocess.run(asked, capture_output=True, text=True, check=False).stdout
        facts |= {"gpu": named.splitlines()[0]} if named.strip() else {}
    return facts


# What is printed


def throughput_table(works: Sequence[Work]) -> Table:
    """A line a phase and client."""
    table = Table(title="Throughput", title_justify="left", caption_justify="left")
    for name in ("phase", "client"):
        table.add_column(name, no_wrap=True)
    for name in ("requests", "in flight", "seconds", "requests/s", "output tokens/s", "ratio"):
        table.add_column(name, justify="right", no_wrap=True)
    for work in works:
        for client in (OURS, BENCH):
            rounds = [each for each in work.rounds if each.client == client]
            ratio = work.rate(OURS) / work.rate(BENCH)
            table.add_row(
                *(work.phase, client, f"{rounds[0].requests:,}"),
                f"{max(each.in_flight for each in rounds):,}",
                ", ".join(f"{each.seconds:.1f}" for each in rounds),
                f"{work.rate(client):,.1f}",
                f"{work.rate(client, 'output_tokens'):,.0f}",
                f"{ratio:.1%}" if client == OURS else "",
            )
    table.caption = (
        f"Ratio: our requests/s by theirs; on a GPU at least {GOAL:.0%} is wanted. In flight: at "
        "most; theirs is fixed, ours the limit that was found. Seconds: of each round, in the "
        f"order {', '.join('ours' if each == OURS else 'bench' for each in ORDER)}."
    )
    return table


def cache_table(works: Sequence[Work], block: int) -> Table:
    """What of the shared prefix was computed once."""
    table = Table(title="Prefix cache", title_justify="left", caption_justify="left")
    table.add_column("phase", no_wrap=True)
    for name in ("prompt tokens", "shared", "whole blocks", "bound", "cached", "hit", "of bound"):
        table.add_column(name, justify="right", no_wrap=True)
    for work in works:
        whole = work.shared_tokens // block * block
        bound = whole / (work.shared_tokens or math.inf)
        table.add_row(
            *(work.phase, f"{mean(work.prompt_tokens):,.0f}", f"{work.shared_tokens:,}"),
            *(f"{whole:,}", f"{bound:.1%}", f"{mean(work.cached_tokens):,.0f}", f"{work.hit:.1%}"),
            f"{work.hit / bound:.1%}" if bound else "-",
        )
    table.caption = (
        f"Tokens a request. Shared: the longest common prefix of all prompts. A block is {block} "
        "tokens, and only whole ones can be hit, which is the bound. Hit: share of the shared "
        f"prefix that was cached; above {CACHE_GOAL:.0%} is wanted."
    )
    return table


def hours(works: Sequence[Work]) -> dict[str, float]:
    """Hours of this hardware for all rows, by phase."""
    return {work.phase: _ROWS_IN_ALL / work.rate(OURS) / 3600 for work in works}


def show(console: Console, works: Sequence[Work], block: int, gpu: str | None) -> None:
    """The tables, and what the rates come to."""
    console.print(throughput_table(works))
    console.print(cache_table([work for work in works if work.phase in _HAVE_A_PREFIX], block))
    for work in (work for work in works if work.too_long):
        console.print(f"{work.phase}: {work.too_long} requests do not fit the context; left out.")
    by_phase = hours(works)
    console.print(
        f"{_ROWS_IN_ALL:,} rows on one {gpu or 'CPU such as this'}: "
        + ", ".join(f"{phase} {each:,.1f} h" for phase, each in by_phase.items())
        + f", in all {sum(by_phase.values()):,.1f} h (as if no row were dropped)."
    )
    if gpu is None:
        console.print("There is no GPU here: these hours, and the ratio, say nothing of one.")


def parsed() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--model", required=True, help="name on the Hub, or a folder")
    add(
        "--dummy",
        type=Path,
        metavar="CONFIG_FOLDER",
        help="random weights of the shape that its config.json says; --model is the tokenizer",
    )
    add("--sources", type=Path, default=EXAMPLE_ROWS, help="folder with NAME.parquet or .jsonl")
    add("--requests", type=int, default=2_000, help="of each phase")
    add(
        "--max-tokens",
        type=int,
        nargs=3,
        default=[512, 256, 1024],
        metavar=("PHASE1", "PHASE3", "PHASE4"),
        help="a random model always writes so many; real ones write about 150 60 311",
    )
    add("--max-concurrency", type=int, default=1024, help="of vllm bench serve")
    add("--json", type=Path, help="where all figures are written")
    return parser.parse_args()


def catalogue_entry(asked: argparse.Namespace) -> Generator:
    """The model to serve, as the catalogue would name it."""
    [model] = real_model(asked.model, None, None).values()
    if asked.dummy:
        flags = {"load-format": "dummy", "tokenizer": model.weights or model.served_name}
        changes = {"weights": str(asked.dummy.absolute()), "vllm": flags}
        model = model.model_copy(update=changes)
    return model


def main() -> None:
    """Measure, print, and write the figures down."""
    asked, console = parsed(), Console()
    console.width = max(console.width, _WIDTH)
    if find_vllm() is None:
        sys.exit("There is no `vllm` here: name the command of its environment in SYSGEN_VLLM")
    facts, works = hardware(), []
    console.print("; ".join(f"{name} {value}" for name, value in facts.items()))
    with tempfile.TemporaryDirectory() as cache:
        rows = conversations(asked.sources, asked.requests, Path(cache))
    with serving(catalogue_entry(asked), asked.max_concurrency, console) as served:
        block = served.block_size()
        for phase, requests in phase_requests(rows, asked.max_tokens):
            works.append(work := served.look_at(phase, requests))
            for client in served.measure_all(work):
                console.print(f"{phase}: {len(work.requests):,} requests by {client}")
        places = Path("requests.jsonl"), Path("result.json")
        command = shlex.join(served.bench_command(len(work.requests), *places))
    console.print(f"{work.phase} was asked by: {command}", markup=False, soft_wrap=True)
    show(console, works, block, facts.get("gpu"))
    if asked.json:
        figures = {
            "machine": facts,
            "asked": {name: str(value) for name, value in vars(asked).items()},
            "block_size": block,
            "hours": hours(works),
            "phases": [
                {
                    "phase": work.phase,
                    "too_long": work.too_long,
                    "shared_tokens": work.shared_tokens,
                    "prompt_tokens": mean(work.prompt_tokens),
                    "hit": work.hit,
                    "ratio": work.rate(OURS) / work.rate(BENCH),
                    "rounds": [
                        {**asdict(r), "cached_tokens": sum(r.cached_tokens)} for r in work.rounds
                    ],
                }
                for work in works
            ],
        }
        asked.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
