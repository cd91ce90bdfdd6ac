"""What was paid for in one partition is known in every other one of its phase."""

import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from random import Random

import polars as pl
import pytest

from sysgen_dagster.inference.ledger import Ledger, Outcome
from sysgen_dagster.inference.ledger_files import read_sealed, write_sealed
from sysgen_dagster.inference.other_ledgers import OtherLedgers, list_ledgers
from sysgen_dagster.inference.request_keys import Asked

ROWS = [f"{number:032x}" for number in range(60)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "annotated_system_messages"


def shard(folder: Path, number: int, model: str = "phi-4") -> Path:
    return folder / f"{model}|chats-{number:03d}.jsonl"


def asked(key: str) -> Asked:
    return Asked(key, f"chats-{key[-16:]}-1", 7)


def run(path: Path, rows: list[str], prompt: str = "", stored: bool = True) -> int:
    """How many requests a run of a partition with these rows sends."""
    ledger = Ledger(path, report=lambda _: None)
    requests = [asked(prompt + key) for key in rows]
    if prompt:
        requests = [
            each._replace(request_id=asked(key).request_id)
            for each, key in zip(requests, rows, strict=True)
        ]
    with ledger:
        known = ledger.find(requests)
        for request, outcome in zip(requests, known, strict=True):
            assert outcome in (None, Outcome(f"answer to {request.key}", "stop", 5))
            if outcome is None:
                ledger.append(request, Outcome(f"answer to {request.key}", "stop", 5))
    if stored:
        ledger.seal()
    return known.count(None)


def run_all(folder: Path, shards: int, rows: list[str] = ROWS, prompt: str = "") -> int:
    size = -(-len(rows) // shards)
    return sum(
        run(shard(folder, number), rows[number * size : (number + 1) * size], prompt)
        for number in range(shards)
    )


def bytes_in(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())


@pytest.mark.parametrize("cuts", [[2, 3, 2], [1, 7, 3, 1], [5, 2, 5], [4, 60, 4]], ids=str)
def test_another_number_of_shards_sends_nothing_again(folder: Path, cuts: list[int]) -> None:
    assert [run_all(folder, shards) for shards in cuts] == [60, *[0] * (len(cuts) - 1)]


@pytest.mark.parametrize("seed", range(3))
def test_another_order_of_rows_sends_nothing_again_and_takes_no_disk(
    folder: Path, seed: int
) -> None:
    run_all(folder, 3)
    before = bytes_in(folder)
    shuffled = Random(seed).sample(ROWS, len(ROWS))
    assert [run_all(folder, 3, shuffled), run_all(folder, 3), run_all(folder, 2)] == [0, 0, 0]
    assert bytes_in(folder) <= before * 1.1 + 3 * 2_000  # an empty file has its footer


def test_only_what_is_new_is_sent_after_another_cut(folder: Path) -> None:
    run_all(folder, 2)
    more = [f"{number:032x}" for number in range(1000, 1010)]
    assert run_all(folder, 3, [*more, *ROWS]) == 10
    assert run_all(folder, 2, ROWS[:31]) == 0
    assert run_all(folder, 4, [*ROWS, *more]) == 0


def test_a_pilot_between_two_cuts_loses_nothing(folder: Path) -> None:
    run_all(folder, 2)
    assert run(shard(folder, 0), ROWS[:3]) == 0
    assert run_all(folder, 3) == 0
    assert run(shard(folder, 1), ROWS[20:22]) == 0
    assert run_all(folder, 2) == 0


def test_lines_that_no_run_sealed_are_known_to_the_other_partitions(folder: Path) -> None:
    run(shard(folder, 2), ROWS[40:], stored=False)
    assert run_all(folder, 2) == 40


def test_a_model_that_the_catalogue_names_anew_is_not_asked_again(folder: Path) -> None:
    run(shard(folder, 0, "phi-4"), ROWS)
    assert run(shard(folder, 0, "phi-4-renamed"), ROWS) == 0


def test_other_content_under_the_same_name_is_sent(folder: Path) -> None:
    run_all(folder, 2)
    assert run_all(folder, 3, prompt="second-") == 60
    assert run_all(folder, 2, prompt="second-") == 0


def test_ledgers_one_folder_deeper_are_found_too(folder: Path) -> None:
    run(folder / "a-judge" / "phi-4.jsonl", ROWS)
    ledger = Ledger(folder / "the-same-judge" / "phi-4.jsonl", among=folder)
    with ledger:
        assert None not in ledger.find([asked(key) for key in ROWS])


def drop_column(sealed: Path) -> None:
    pl.read_parquet(sealed, hive_partitioning=False).drop("outcome").write_parquet(sealed)


def change_outcomes(sealed: Path) -> None:
    entries = read_sealed(sealed)
    write_sealed(sealed, (each._replace(outcome='{"text": "another"}') for each in entries))


@pytest.mark.parametrize(
    ("damage", "is_named"),
    [
        (lambda sealed: sealed.write_bytes(b"PAR1 and no more"), True),
        (drop_column, True),
        (change_outcomes, False),
        (lambda sealed: sealed.unlink(), False),
    ],
    ids=["garbage", "no_column", "other_outcomes", "removed"],
)
def test_a_damaged_ledger_of_another_partition_stands_in_nobodys_way(
    folder: Path, damage: Callable[[Path], object], is_named: bool
) -> None:
    run_all(folder, 2)
    lines: list[str] = []
    others = OtherLedgers(folder, shard(folder, 7), lines.append)
    assert others.find([ROWS[59]])
    damage(shard(folder, 0).with_suffix(".parquet"))
    known = others.find(ROWS)
    assert known.keys() == set(ROWS[30:])
    assert [f"{shard(folder, 0).stem}.parquet" in line for line in lines] == [True] * is_named
    assert run(shard(folder, 7), ROWS) == 30


def test_a_ledger_that_is_sealed_between_two_looks_loses_nothing(folder: Path) -> None:
    run(shard(folder, 0), ROWS, stored=False)
    with Ledger(shard(folder, 1)) as ledger:
        assert ledger.find([asked(ROWS[0])]) != [None]
        Ledger(shard(folder, 0)).seal()
        assert None not in ledger.find([asked(key) for key in ROWS])


def test_looking_into_a_ledger_does_not_wait_for_the_run_that_has_it(folder: Path) -> None:
    has_looked = threading.Event()
    with Ledger(shard(folder, 0)) as busy:
        busy.append(asked(ROWS[0]), Outcome(f"answer to {ROWS[0]}", "stop", 5))

        def look() -> None:
            assert run(shard(folder, 1), ROWS[:2]) == 1
            has_looked.set()

        looking = threading.Thread(target=look)
        looking.start()
        looking.join(10)
    assert has_looked.is_set()


def test_the_ledgers_of_a_folder_are_listed_once_each(folder: Path) -> None:
    run(shard(folder, 0), ROWS)
    run(shard(folder, 1), ROWS[:2], stored=False)
    run(folder / "judge" / "phi-4.jsonl", ROWS[:2])
    shutil.copy(shard(folder, 0).with_suffix(".parquet"), shard(folder, 0).with_suffix(".tmp"))
    found = list_ledgers(folder)
    assert found == [folder / "judge" / "phi-4.jsonl", shard(folder, 0), shard(folder, 1)]
