"""A real `vllm serve` with two ranks, on a CPU: what stand-ins for them cannot show.

Two GPUs would be the real thing. On a CPU vLLM wants a NUMA node for each rank, or to be told which
core is whose.
"""

import os
import signal
from pathlib import Path

import pytest

from sysgen_dagster.chat.messages import ChatRequest, Role, Sampling
from sysgen_dagster.inference.client import complete
from sysgen_dagster.inference.engines import Engines
from sysgen_dagster.inference.ledger import Ledger
from sysgen_dagster.inference.local.gpus import has_gpu
from sysgen_dagster.inference.progress import Progress
from sysgen_dagster.lanes.sysgen.settings import Generator
from sysgen_dagster.processes.state import read_state, running
from sysgen_dagster_tests.inference.processes import wait_until
from sysgen_dagster_tests.vllm.served import entry, group_of, processes_of_group

CORES = sorted(os.sched_getaffinity(0))[:2]

pytestmark = [
    pytest.mark.vllm,
    pytest.mark.skipif(has_gpu(), reason="this machine has a GPU: two ranks want two of them"),
    pytest.mark.skipif(len(CORES) < 2, reason="two ranks want two cores"),
]


@pytest.fixture
def model(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> Generator:
    monkeypatch.setenv("VLLM_CPU_OMP_THREADS_BIND", "|".join(map(str, CORES)))
    monkeypatch.setenv("VLLM_CPU_KVCACHE_SPACE", "1")
    flags = {"tensor-parallel-size": 2, "max-model-len": 2048, "max-num-seqs": 8}
    one = entry(tiny)
    changed = {**one.model_dump(), "name": "two-ranks", "gpus": [0, 1], "vllm": flags}
    return Generator.model_validate(changed)


def test_two_ranks_answer_together_and_die_together(
    model: Generator, servers: Path, tmp_path: Path
) -> None:
    question = [{"role": Role.USER, "content": "Why is the sea salty?"}]
    requests = [ChatRequest(f"row-{n}", question, Sampling(0.7, 8), seed=n) for n in range(4)]
    ledger, progress = Ledger(tmp_path / "ledger.jsonl"), Progress(total=len(requests))
    with Engines(servers).connection(model, print) as connection, ledger:
        rows = complete(connection, iter(requests), progress, ledger, lambda _: None)
        assert rows["failed_because"].null_count() == len(requests)
        [name] = [server for server in running(servers) if "two-ranks" in server]
        state = read_state(servers, name)
        assert state is not None
        ranks = [pid for pid, line in group_of(servers, name).items() if "Worker_TP" in line]
        assert len(ranks) == 2
        os.kill(ranks[0], signal.SIGKILL)
        wait_until(lambda: name not in running(servers))
        wait_until(lambda: not processes_of_group(state["pid"]))  # its supervisor ends last
