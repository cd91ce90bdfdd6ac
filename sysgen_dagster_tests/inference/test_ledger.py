"""The ledger as a real file, written and killed by real processes."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from random import Random

import polars as pl
import pytest

from sysgen_dagster.chat.drop_reasons import NoAnswer
from sysgen_dagster.inference.ledger import Ledger, Outcome
from sysgen_dagster.inference.ledger_files import open_locked
from sysgen_dagster.inference.request_keys import Asked
from sysgen_dagster.inference.stopping import STOP, StoppedError
from sysgen_dagster_tests.inference.processes import CEILING_S, wait_until

ANSWERED = Outcome('Salt stays behind: 塩 \u2028 \x85 \x00 \\ "\n\r\n', "stop", 12, 5, attempts=2)
TOO_LONG = Outcome(attempts=1, failed_because=NoAnswer.TOO_LONG, failure="400: too long")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.jsonl"


# Arguments: path, name, outcomes, characters each. Prints a number when its append() has returned.
WRITER = """
import os, sys
from pathlib import Path
from sysgen_dagster.inference.ledger import Ledger, Outcome
from sysgen_dagster.inference.request_keys import Asked
path, name, count, size = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
with Ledger(path) as ledger:
    for number in range(count):
        text = f"{name}-{number} " * (size // 10)
        ledger.append(Asked(f"{name}-{number}"), Outcome(text, attempts=1))
        os.write(1, f"{number}\\n".encode())
"""


@contextmanager
def writing(path: Path, name: str, count: int, size: int) -> Iterator[subprocess.Popen[bytes]]:
    """A writer in a process of its own; what it prints goes to a file of its name."""
    command = [sys.executable, "-c", WRITER, str(path), name, str(count), str(size)]
    with path.with_name(f"{name}.out").open("wb") as output:
        writer = subprocess.Popen(command, stdout=output)
    try:
        yield writer
    finally:
        writer.kill()
        writer.wait()


def asked(key: str) -> Asked:
    """The request with this key, of which what follows a dash is the name."""
    return Asked(key, f"chats-{key.rpartition('-')[2]}-1", 7)


def write(path: Path, outcomes: dict[str, Outcome]) -> None:
    with Ledger(path) as ledger:
        for key, outcome in outcomes.items():
            ledger.append(asked(key), outcome)


def read(path: Path, *keys: str) -> list[Outcome | None]:
    with Ledger(path) as ledger:
        return ledger.find([Asked(key) for key in keys])


def test_what_was_appended_is_known_when_the_ledger_is_entered_again(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "phi-4|capybara-003.jsonl"
    write(path, {"a": ANSWERED})
    write(path, {"b": TOO_LONG})
    assert read(path, "a", "b", "c") == [ANSWERED, TOO_LONG, None]


def test_the_last_outcome_of_a_request_counts(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    write(path, {"a": TOO_LONG})
    write(path, {"a": ANSWERED})
    assert read(path, "a") == [ANSWERED]


def test_the_outcomes_of_a_whole_shard_are_read_back(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    outcome = Outcome("Salt stays behind. " * 100, "stop", 500, 400, attempts=1)
    write(path, {f"{number:032x}": outcome for number in range(8000)})
    assert read(path, f"{7999:032x}") == [outcome]


@pytest.mark.parametrize("size", [100, 200_000], ids=["short_lines", "long_lines"])
def test_kill_9_loses_no_outcome_that_append_had_returned_for(tmp_path: Path, size: int) -> None:
    path, random = tmp_path / "ledger.jsonl", Random(size)
    names = [f"writer{number}" for number in range(4)]
    for name in names:
        with writing(path, name, count=100_000, size=size) as writer:
            wait_until(path.with_name(f"{name}.out").read_bytes)
            time.sleep(random.uniform(0, 0.05))
            writer.kill()
    with Ledger(path) as ledger:
        for name in names:
            finished = path.with_name(f"{name}.out").read_text().splitlines()
            assert finished
            for number in finished:
                assert ledger.find([Asked(f"{name}-{number}")]) != [None]


def test_what_was_appended_is_in_the_file_before_the_ledger_is_left(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    with Ledger(path) as ledger:
        ledger.append(asked("a"), ANSWERED)
        assert path.read_bytes().endswith(b"}\n")


# Sealing


def stored(path: Path, outcomes: dict[str, Outcome]) -> list[str]:
    """What a run that asks for these had to send, up to the end of its partition."""
    ledger = Ledger(path)
    with ledger:
        known = ledger.find([asked(key) for key in outcomes])
        sent = [key for key, found in zip(outcomes, known, strict=True) if found is None]
        for key in sent:
            ledger.append(asked(key), outcomes[key])
    ledger.seal()
    return sent


def answers(count: int, prompt: str = "first") -> dict[str, Outcome]:
    return {
        f"{prompt}-{number}": Outcome(f"{prompt} {number}", "stop", 9) for number in range(count)
    }


def kept(path: Path) -> int:
    return pl.read_parquet(path.with_suffix(".parquet")).height


def test_a_stored_partition_has_one_sealed_file_and_no_lines(path: Path) -> None:
    stored(path, answers(20))
    assert [file.name for file in path.parent.iterdir()] == ["ledger.parquet"]


def test_what_a_run_asked_for_is_found_again(path: Path) -> None:
    assert len(stored(path, answers(20))) == 20
    assert stored(path, answers(20)) == []
    assert read(path, "first-7") == [Outcome("first 7", "stop", 9)]


def test_only_what_has_changed_is_sent_again(path: Path) -> None:
    stored(path, answers(20))
    assert stored(path, answers(15) | answers(5, "second")) == list(answers(5, "second"))


def test_where_nothing_was_asked_nothing_is_sealed_and_no_folder_needed(tmp_path: Path) -> None:
    Ledger(tmp_path / "of a phase" / "phi|a-000.jsonl").seal()
    assert list(tmp_path.iterdir()) == []


def test_every_field_of_an_outcome_is_sealed(path: Path) -> None:
    places = ((3, "Good", 0.9), (3, "Bad", 0.1))
    whole = Outcome(ANSWERED.text, "stop", 12, 4, 5, 2, None, None, True, 77, places)
    stored(path, {"a": whole, "b": ANSWERED})
    assert read(path, "a", "b") == [whole, ANSWERED]


def test_an_answer_goes_when_the_same_request_was_asked_with_other_content(path: Path) -> None:
    stored(path, answers(20))
    stored(path, answers(20, "second"))
    assert kept(path) == 20
    assert read(path, "first-1", "second-1") == [None, Outcome("second 1", "stop", 9)]


def test_what_a_run_did_not_ask_for_stays(path: Path) -> None:
    stored(path, answers(100))
    for count in (5, 60, 99):
        stored(path, answers(count))
    assert stored(path, answers(100)) == []


def test_what_a_run_left_that_did_not_come_to_its_end_is_not_lost_to_a_pilot(path: Path) -> None:
    write(path, answers(80))
    stored(path, answers(5))
    assert stored(path, answers(100)) == list(answers(100))[80:]


def test_several_attempts_at_one_request_are_kept_apart(path: Path) -> None:
    attempts = [Asked(f"attempt-{number}", "chats-1-1", number) for number in range(3)]
    ledger = Ledger(path)
    with ledger:
        ledger.find(attempts)
        for each in attempts:
            ledger.append(each, ANSWERED)
    ledger.seal()
    alone = Ledger(path)
    with alone:
        assert alone.find(attempts[:1]) == [ANSWERED]
    alone.seal()
    with Ledger(path) as again:
        assert again.find(attempts) == [ANSWERED] * 3


def test_the_disk_that_a_ledger_takes_does_not_grow_with_the_number_of_runs(path: Path) -> None:
    random, largest = Random(1), 200
    stored(path, answers(largest))
    for number in range(100):
        count = random.choice([3, 20, random.randint(largest // 3, largest), largest])
        stored(path, answers(count, f"prompt{number}"))
        assert kept(path) == largest
        assert len(list(path.parent.iterdir())) == 1


def test_a_sealed_file_that_a_run_used_is_as_old_as_that_use(path: Path) -> None:
    stored(path, answers(20))
    sealed = path.with_suffix(".parquet")
    whole = sealed.read_bytes()
    os.utime(sealed, (1, 1))
    stored(path, answers(5))
    assert time.time() - sealed.stat().st_mtime < 60
    assert sealed.read_bytes() == whole


def test_what_did_not_fit_the_context_is_not_sealed(path: Path) -> None:
    refused = replace(TOO_LONG, failed_because=NoAnswer.REFUSED_BY_SERVER)
    stored(path, {"a": TOO_LONG, "b": refused, "c": ANSWERED})
    assert read(path, "a", "b", "c") == [None, refused, ANSWERED]


def test_what_did_not_fit_the_context_is_known_until_the_partition_is_stored(path: Path) -> None:
    write(path, {"a": TOO_LONG})
    assert read(path, "a") == [TOO_LONG]


def test_sealed_outcomes_are_smaller_than_their_lines(path: Path) -> None:
    random = Random(1)
    words = [f"{random.getrandbits(24):x}" for _ in range(2000)]
    texts = (" ".join(random.choices(words, k=150)) for _ in range(500))
    write(path, {f"{at:032x}": Outcome(text, "stop", 9) for at, text in enumerate(texts)})
    lines = path.stat().st_size
    Ledger(path).seal()
    assert kept(path) == 500
    assert path.with_suffix(".parquet").stat().st_size < lines / 2


# Arguments: path, what is patched, and whether it dies before or after that.
SEALER = """
import os, signal, sys
from pathlib import Path
import polars as pl
from sysgen_dagster.inference.ledger import Ledger
from sysgen_dagster.inference.request_keys import Asked
owner = {"write_parquet": pl.DataFrame, "fsync": os, "replace": Path, "unlink": Path}[sys.argv[2]]
whole = getattr(owner, sys.argv[2])
def dies(*args, **kwargs):
    if sys.argv[3] == "after":
        whole(*args, **kwargs)
    elif sys.argv[3] == "in":
        args[1].write_bytes(b"PAR1 and no more")
    os.kill(os.getpid(), signal.SIGKILL)
ledger = Ledger(Path(sys.argv[1]))
with ledger:
    assert all(ledger.find([Asked(f"first-{number}") for number in range(100)]))
setattr(owner, sys.argv[2], dies)
ledger.seal()
"""


@pytest.mark.parametrize(
    ("step", "when"),
    [
        ("write_parquet", "before"),
        ("write_parquet", "in"),
        ("write_parquet", "after"),
        ("fsync", "after"),
        ("replace", "before"),
        ("replace", "after"),
        ("unlink", "after"),
    ],
)
@pytest.mark.parametrize("sealed_before", [0, 60])
def test_a_kill_while_sealing_loses_nothing(
    path: Path, step: str, when: str, sealed_before: int
) -> None:
    if sealed_before:
        stored(path, answers(sealed_before))
    write(path, dict(list(answers(100).items())[sealed_before:]))
    sealer = [sys.executable, "-c", SEALER, str(path), step, when]
    assert subprocess.run(sealer).returncode == -signal.SIGKILL
    assert read(path, *answers(100)) == list(answers(100).values())
    assert stored(path, answers(100)) == []
    assert [file.name for file in path.parent.iterdir()] == ["ledger.parquet"]
    assert stored(path, answers(100)) == []


def test_nothing_is_sealed_while_another_run_has_the_ledger(path: Path) -> None:
    one, other = Ledger(path), Ledger(path)
    with one:
        one.append(asked("a"), ANSWERED)
    with other:
        one.seal()
        other.append(asked("b"), ANSWERED)
    # The other is killed here; its next run sends nothing that either of them has.
    assert not path.with_suffix(".parquet").exists()
    assert stored(path, dict.fromkeys(["a", "b"], ANSWERED)) == []


def test_sealing_again_and_again_loses_nothing_of_a_run_that_appends_and_is_killed(
    path: Path,
) -> None:
    printed = path.with_name("writer.out")
    with writing(path, "writer", count=100_000, size=100) as writer:
        wait_until(printed.read_bytes)
        for _ in range(200):
            Ledger(path).seal()
        writer.kill()
        writer.wait()
        finished = printed.read_text().splitlines()
    Ledger(path).seal()
    assert not path.exists()
    with Ledger(path) as ledger:
        assert all(ledger.find([Asked(f"writer-{number}") for number in finished]))


def test_a_run_that_begins_while_another_seals_appends_to_a_file_that_is_there(path: Path) -> None:
    write(path, {"a": ANSWERED})
    begun = threading.Event()

    def begin() -> None:
        begun.set()
        write(path, {"b": ANSWERED})

    with open_locked(path):
        other = threading.Thread(target=begin)
        other.start()
        begun.wait(CEILING_S)
        time.sleep(0.05)
        path.unlink()
    other.join(CEILING_S)
    assert read(path, "b") == [ANSWERED]


# Arguments: path, rounds, requests. Says how many it had to send in each round.
ROUNDS = """
import sys
from pathlib import Path
from sysgen_dagster_tests.inference.test_ledger import answers, stored
for _ in range(int(sys.argv[2])):
    print(len(stored(Path(sys.argv[1]), answers(int(sys.argv[3])))))
"""


def test_of_runs_that_come_and_go_at_once_nothing_is_sent_twice(path: Path) -> None:
    command = [sys.executable, "-c", ROUNDS, str(path), "50", "100"]
    runs = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    sent = [list(map(int, run.communicate(timeout=CEILING_S)[0].split())) for run in runs]
    assert [len(each) for each in sent] == [50] * 4
    assert sum(map(sum, sent)) == 100


# Waiting


@contextmanager
def another_run(path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Has the ledger, and answers slowly."""
    with writing(path, "other", count=100_000, size=100) as other:
        wait_until(path.with_name("other.out").read_bytes)
        yield other


def test_a_run_waits_for_another_one_of_its_partition_and_says_for_whom(path: Path) -> None:
    said: list[str] = []
    first = Ledger(path, run="run 7f3a")
    second = Ledger(path, run="run 9b21", report=said.append)
    known: list[Outcome | None] = []

    def wait() -> None:
        with second:
            known.extend(second.find([asked("a")]))

    waiting = threading.Thread(target=wait)
    with first:
        waiting.start()
        wait_until(lambda: said)
        first.append(asked("a"), ANSWERED)
        assert known == []
    waiting.join(CEILING_S)
    assert known == [ANSWERED]
    [line] = said
    assert line.startswith(f"waits for run 7f3a (process {os.getpid()} on ")
    assert line.endswith("), which makes the same partition")


def test_a_run_that_was_killed_is_waited_for_no_more(path: Path) -> None:
    with another_run(path) as other:
        other.kill()
        other.wait()
        finished = path.with_name("other.out").read_text().splitlines()
        with Ledger(path) as ledger:
            assert all(ledger.find([Asked(f"other-{number}") for number in finished]))


def test_a_run_that_waits_ends_when_the_user_ends_the_command(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(STOP, "is_asked", True)
    with Ledger(path), pytest.raises(StoppedError), Ledger(path):
        pass


def test_a_run_that_waits_ends_when_it_is_terminated(path: Path) -> None:
    terminated = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), "late", "1", "10"], stderr=subprocess.PIPE
    )
    with Ledger(path):
        assert terminated.stderr is not None
        assert b"waits for" in terminated.stderr.readline()
        terminated.send_signal(signal.SIGINT)
        assert terminated.wait(CEILING_S) != 0
    assert b"KeyboardInterrupt" in terminated.communicate()[1]


def test_two_partitions_never_wait_for_each_other(tmp_path: Path) -> None:
    with Ledger(tmp_path / "phi-4|chats-000.jsonl"), Ledger(tmp_path / "phi-4|chats-001.jsonl"):
        pass
