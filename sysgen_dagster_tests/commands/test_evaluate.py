"""`sysgen evaluate`: what it prints of a graded sheet."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from sysgen_dagster.chat.quoting import made_visible
from sysgen_dagster.cli import sysgen
from sysgen_dagster_tests.evaluation.sysbench.small_sheets import session, turn, write_parquet


def evaluate(sheet: Path) -> str:
    result = CliRunner().invoke(sysgen, ["evaluate", "sysbench", "--sheet", str(sheet)])
    assert result.exit_code == 0, result.output
    return result.output


def cells(output: str, metric: str, of: str) -> list[str]:
    """The cells of a line of the table."""
    lines = ([cell.strip() for cell in line.split("│")[1:-1]] for line in output.splitlines())
    [found] = [line for line in lines if line[:2] == [metric, of]]
    return found[2:]


def test_each_score_stands_beside_its_interval_and_what_the_benchmark_s_programs_count(
    tmp_path: Path,
) -> None:
    sheet = write_parquet(
        tmp_path / "mine.parquet",
        [
            *session(1, "是", "是", "否", "是", "是"),
            *session(2, "是/不适用", "是", "是", "是", "是", dependent=False),
        ],
    )
    output = evaluate(sheet)

    assert output.startswith(f"{sheet}: 2 sessions\n")
    assert cells(output, "CSR", "total") == ["90.0%", "80.0%", "100.0%", "81.8%", "10", "1"]
    assert cells(output, "ISR", "total") == ["90.0%", "80.0%", "100.0%", "90.0%", "10", "0"]
    assert cells(output, "SSR", "dependent") == ["40.0%", "", "", "40.0%", "1", "0"]
    assert cells(output, "R5", "parallel") == ["100.0%", "", "", "100.0%", "1", "0"]
    assert cells(output, "CSR", "role") == ["", "", "", "", "0", "0"]
    assert "Dropped of 11 constraints: third_verdict 1." in output
    assert "The judge said: 不适用 1" in output


def test_where_nothing_is_dropped_nothing_is_said_of_it(tmp_path: Path) -> None:
    output = evaluate(write_parquet(tmp_path / "mine.parquet", session(1, *"是是否是是")))
    assert "Dropped" not in output
    assert "The judge said" not in output


def test_words_of_a_judge_cannot_write_on_the_terminal_and_are_shown_in_part(
    tmp_path: Path,
) -> None:
    words = ["\x1b[31mred", "[bold]b[/bold]", "长" * 500, *(f"第{at}" for at in range(20))]
    output = evaluate(write_parquet(tmp_path / "mine.parquet", [turn(1, 1, *words)]))
    assert "\x1b" not in output
    assert "长" * 41 not in output
    assert output.rstrip().endswith(" ...")
    assert len(output.splitlines()[-1]) < 400


@pytest.mark.parametrize("name", ["[bold]a.parquet", "a\x1b[31m.parquet", "a*.parquet"])
def test_the_name_of_a_file_is_shown_as_it_is(tmp_path: Path, name: str) -> None:
    output = evaluate(write_parquet(tmp_path / name, session(1, *"是是否是是")))
    assert "\x1b" not in output
    assert output.startswith(made_visible(f"{tmp_path / name}: 1 sessions"))
