"""A server over two GPUs that is killed, shared and replaced, and servers on one GPU each."""

import fcntl
import json
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

import pytest

from sysgen_dagster.inference.chat_api import EngineError
from sysgen_dagster.inference.local.records import devices_of
from sysgen_dagster.inference.local.servers import LocalServer, ServerUse, claim_together, stop
from sysgen_dagster.processes.state import read_state, running
from sysgen_dagster_tests.inference.connections import connecting
from sysgen_dagster_tests.inference.local_servers import HEALTHY, healthy, in_use, quick_use
from sysgen_dagster_tests.inference.processes import CEILING_S, Descendants, Run, kill, wait_until

SUPERVISOR = r"^\S+ -m sysgen_dagster\.processes\.supervisor"
SERVER = rf"^\S+ {HEALTHY}"
RANK = r"# a rank"

# Arguments: folder, servers as JSON, seconds between two looks. Prints the URLs of a connection,
# which lasts until its standard input ends.
CONNECT = """
import json, sys
from pathlib import Path
from sysgen_dagster.inference.local.servers import LocalServer
from sysgen_dagster_tests.inference.connections import connecting
folder, started, look_every = sys.argv[1:]
started = [LocalServer(**each) for each in json.loads(started)]
report = lambda line: print(line, flush=True)
with connecting(Path(folder), *started, report=report, look_every_s=float(look_every)) as way:
    print("url:", *way.connect().base_urls, flush=True)
    sys.stdin.read()
"""

Begin = Callable[..., Run]


def on_gpus(name: str, *gpus: int, ranks: int | None = None) -> LocalServer:
    """A server with one process for each of its GPUs."""
    count = len(gpus) if ranks is None else ranks
    return healthy(name, "--ranks", str(count), devices=tuple(f"gpu{gpu}" for gpu in gpus))


def wait_for_ranks(descendants: Descendants, count: int) -> list[int]:
    wait_until(lambda: len(descendants(RANK)) == count)
    return descendants(RANK)


def assert_both_gpus_are_free(folder: Path) -> None:
    """Two servers with a GPU each start side by side, which they can only do with the locks."""
    with in_use(on_gpus("x", 0, ranks=0), folder), in_use(on_gpus("y", 1, ranks=0), folder):
        assert running(folder) == ["x", "y"]


def test_it_holds_both_gpus(folder: Path, descendants: Descendants) -> None:
    with in_use(on_gpus("a", 0, 1), folder):
        wait_for_ranks(descendants, 2)
        state = read_state(folder, "a")
        assert state is not None
        assert devices_of(state) == ["gpu0", "gpu1"]


@pytest.mark.parametrize("killed", [SUPERVISOR, SERVER, RANK], ids=["supervisor", "server", "rank"])
def test_whichever_process_is_killed_none_survives_and_both_gpus_are_free(
    folder: Path, descendants: Descendants, killed: str
) -> None:
    with in_use(on_gpus("a", 0, 1), folder):
        wait_for_ranks(descendants, 2)
        kill(descendants(killed)[0])
        wait_until(lambda: not descendants())
    assert running(folder) == []
    assert_both_gpus_are_free(folder)


def test_all_its_processes_killed_at_once_leave_nothing(
    folder: Path, descendants: Descendants
) -> None:
    with in_use(on_gpus("a", 0, 1), folder):
        wait_for_ranks(descendants, 2)
        kill(*descendants())
        wait_until(lambda: not descendants())
    assert_both_gpus_are_free(folder)


def test_one_that_was_killed_is_started_again_with_both_gpus(
    folder: Path, descendants: Descendants
) -> None:
    with connecting(folder, on_gpus("a", 0, 1)) as connection:
        [url] = connection.connect().base_urls
        old = wait_for_ranks(descendants, 2)
        kill(*descendants(SERVER))
        wait_until(lambda: not running(folder))
        assert connection.reconnect(url) != ""
        assert not set(old) & set(wait_for_ranks(descendants, 2))


def test_a_run_that_is_killed_leaves_a_server_that_the_next_one_shares(
    folder: Path, descendants: Descendants, begin: Begin
) -> None:
    run = begin(on_gpus("a", 0, 1))
    url = run.url
    ranks = wait_for_ranks(descendants, 2)
    run.kill()
    with in_use(on_gpus("a", 0, 1), folder) as again:
        assert again == url
        assert descendants(RANK) == ranks


def test_stopping_it_ends_its_ranks(folder: Path, descendants: Descendants) -> None:
    with in_use(on_gpus("a", 0, 1), folder):
        wait_for_ranks(descendants, 2)
    stop(folder, "a")
    assert descendants(RANK) == []
    assert_both_gpus_are_free(folder)


@pytest.mark.parametrize("gpu", [0, 1])
def test_a_model_that_needs_one_of_its_gpus_waits_until_no_run_uses_it(
    folder: Path, begin: Begin, gpu: int
) -> None:
    pair = begin(on_gpus("pair", 0, 1))
    assert pair.url
    single = begin(on_gpus("single", gpu, ranks=0))
    single.wait_for("waiting: pair is in use and must end before single")
    assert running(folder) == ["pair"]
    pair.end()
    assert single.url
    assert running(folder) == ["single"]


def test_it_waits_for_the_servers_of_both_gpus(folder: Path, begin: Begin) -> None:
    first, second = begin(on_gpus("x", 0, ranks=0)), begin(on_gpus("y", 1, ranks=0))
    assert first.url != second.url
    pair = begin(on_gpus("pair", 0, 1))
    pair.wait_for("waiting: x is in use")
    first.end()
    pair.wait_for("waiting: y is in use")
    second.end()
    assert pair.url
    assert running(folder) == ["pair"]


def test_a_server_on_other_gpus_is_left_alone(folder: Path) -> None:
    with (
        in_use(on_gpus("a", 0, 1, ranks=0), folder) as a,
        in_use(on_gpus("b", 2, 3, ranks=0), folder) as b,
    ):
        assert a != b
        assert running(folder) == ["a", "b"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([(0, 1)], [(1,), (0,)]),
        ([(0, 2), (1, 3)], [(1, 2), (0, 3)]),
        ([(3, 0), (2, 1)], [(0, 1), (2, 3)]),
    ],
    ids=["pair_and_singles", "crossed_pairs", "pairs_in_another_order"],
)
def test_models_whose_groups_of_gpus_cross_never_wait_for_each_other(
    folder: Path, one: list[tuple[int, ...]], other: list[tuple[int, ...]]
) -> None:
    """Each run claims and starts all its servers, again and again; a deadlock would hang it."""

    def take_turns(name: str, groups: list[tuple[int, ...]]) -> int:
        for _ in range(3):
            servers = [on_gpus(f"{name}{at}", *gpus, ranks=0) for at, gpus in enumerate(groups)]
            uses = [quick_use(server, folder, lambda _: None) for server in servers]
            claim_together(uses)
            for use in uses:
                use.start()
            mine = {server.name for server in servers}
            assert mine == set(running(folder)), "a GPU is shared"
            for use in uses:
                use.release()
        return 3

    with ThreadPoolExecutor() as runs:
        turns = [runs.submit(take_turns, "a", one), runs.submit(take_turns, "b", other)]
        assert [each.result(CEILING_S) for each in turns] == [3, 3]


def test_a_run_that_is_ended_while_it_waits_for_the_second_gpu_gives_the_first_one_back(
    folder: Path, begin: Begin
) -> None:
    busy = begin(on_gpus("y", 1, ranks=0))
    assert busy.url
    pair = begin(on_gpus("pair", 0, 1))
    pair.wait_for("waiting: y is in use")
    pair.process.send_signal(signal.SIGINT)
    pair.process.wait(CEILING_S)
    with in_use(on_gpus("x", 0, ranks=0), folder):
        assert running(folder) == ["x", "y"]


def test_a_server_that_version_0_1_started_still_holds_its_gpu() -> None:
    assert devices_of({"device": "gpu0"}) == ["gpu0"]
    assert devices_of({"device": None}) == []


def test_a_use_of_its_own_is_claimed_as_several_are(folder: Path) -> None:
    use = ServerUse(on_gpus("a", 0, 1, ranks=0), folder, print)
    use.claim()
    try:
        assert use.start()
    finally:
        use.release()


# Servers on a GPU each


def begin_connection(folder: Path, out: Path, look_every_s: float, *servers: LocalServer) -> Run:
    started = json.dumps([asdict(server) for server in servers])
    return Run.of(out, CONNECT, str(folder), started, str(look_every_s))


def test_two_models_that_need_two_gpus_each_do_not_wait_for_each_other(
    folder: Path, tmp_path: Path
) -> None:
    """The other one is faster to see that a GPU is free; so each would have got one of the two."""
    folder.mkdir()
    a, b = ([healthy(f"{name}{gpu}", devices=(f"gpu{gpu}",)) for gpu in (0, 1)] for name in "ab")
    with (folder / "gpu1.lock").open("a") as busy:
        fcntl.flock(busy, fcntl.LOCK_EX)
        slow = begin_connection(folder, tmp_path / "slow.txt", 0.7, *a)
        slow.wait_for("waiting: a1")
        fast = begin_connection(folder, tmp_path / "fast.txt", 0.02, *b)
        try:
            fast.wait_for("waiting: ")
            time.sleep(0.8)
            fcntl.flock(busy, fcntl.LOCK_UN)
            assert len(slow.url.split()) == 2
            assert running(folder) == ["a0", "a1"]
            slow.end()
            assert len(fast.url.split()) == 2
            assert running(folder) == ["b0", "b1"]
        finally:
            for run in (slow, fast):
                run.kill()


def test_servers_on_two_gpus_load_at_the_same_time(
    folder: Path, descendants: Descendants, gate: Path
) -> None:
    slow = ("--loads-while", str(gate))
    servers = [healthy(f"a{gpu}", *slow, devices=(f"gpu{gpu}",)) for gpu in (0, 1)]
    with connecting(folder, *servers) as connection, ThreadPoolExecutor() as runs:
        connected = runs.submit(connection.connect)
        wait_until(lambda: len(descendants(rf"^\S+ {HEALTHY}")) == 2)
        assert not connected.done()
        gate.unlink()
        assert len(set(connected.result(CEILING_S).base_urls)) == 2


def test_where_one_of_two_servers_does_not_start_the_other_is_not_in_use_any_more(
    folder: Path,
) -> None:
    failing = healthy("a0", "--needs", "NOT_SET", devices=("gpu0",))
    with (
        pytest.raises(EngineError, match="a0 did not start"),
        connecting(folder, failing, healthy("a1", devices=("gpu1",))) as connection,
    ):
        connection.connect()
    for gpu in (0, 1):
        with in_use(healthy(f"b{gpu}", devices=(f"gpu{gpu}",)), folder):
            pass
    assert running(folder) == ["b0", "b1"]
