"""How likely continuations are, by a vLLM that was started for that, beside torch itself."""

import json
import subprocess
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from typing import Any

import pytest

from sysgen_dagster.catalog.models import Engine, Model
from sysgen_dagster.defs.evaluation.leaderboard import for_likelihoods
from sysgen_dagster.inference.engines import Engines
from sysgen_dagster.inference.local.vllm import find_vllm
from sysgen_dagster.inference.prompt_logprobs import require_prompt_logprobs

pytestmark = pytest.mark.vllm

COUNT, AT_ONCE = 100, 16
# A sum of up to 20 numbers of 32 bits, computed in another order. Continuations differ by more.
NEAR = 1e-3
PROGRAM = Path(__file__).with_name("torch_likelihoods.py")


def pairs() -> list[tuple[list[int], list[int]]]:
    """Prompts that share beginnings, as those of examples do, each with four continuations."""
    rng = Random(0)
    words = range(3, 300)
    shared = rng.choices(words, k=200)
    made = []
    for _ in range(COUNT // 4):
        prompt = shared[: rng.randrange(0, 200)] + rng.choices(words, k=rng.randrange(1, 60))
        made += [(prompt, rng.choices(words, k=rng.randrange(1, 20))) for _ in range(4)]
    return made


def ask(url: str, model: str, pair: tuple[list[int], list[int]]) -> float:
    """The sum, asked for and added up as the harness does."""
    prompt, continuation = pair
    body = {"model": model, "prompt": [prompt + continuation], "temperature": 0, "max_tokens": 1}
    body |= {"logprobs": 1, "seed": 1234, "echo": True}
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{url}/completions", json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=120) as reply:
        [choice] = json.load(reply)["choices"]
    logprobs: list[Any] = choice["logprobs"]["token_logprobs"]
    assert len(logprobs) == len(prompt) + len(continuation) + 1
    return float(sum(logprobs[len(prompt) : -1]))


def test_a_hundred_likelihoods_of_vllm_are_those_of_torch(tiny: Path, servers: Path) -> None:
    asked = pairs()
    vllm = find_vllm()
    assert vllm is not None
    python = Path(vllm).with_name("python")
    done = subprocess.run(
        [python, PROGRAM, tiny], input=json.dumps(asked), capture_output=True, text=True, check=True
    )
    expected = json.loads(done.stdout.splitlines()[-1])

    model = Model(name="tiny", engine=Engine.VLLM, weights=str(tiny), vllm={"dtype": "float32"})
    with Engines(servers).connection(for_likelihoods(model), print) as connection:
        endpoint = connection.connect()
        require_prompt_logprobs(endpoint)
        [url] = endpoint.base_urls
        with ThreadPoolExecutor(AT_ONCE) as pool:
            sums = list(pool.map(lambda pair: ask(url, "tiny", pair), asked))

    assert len(sums) == len(expected) == COUNT
    assert max(abs(one - other) for one, other in zip(sums, expected, strict=True)) < NEAR
    assert len({round(each, 3) for each in expected}) > COUNT // 2  # they are not all alike
