"""Numbers on the command line: each option refuses what makes no sense, before anything runs."""

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from sysgen_dagster.cli import sysgen

NUMBERS = [
    pytest.param(name, option, id=f"{name} {option.opts[-1]}")
    for name, command in sysgen.commands.items()
    for option in command.params
    if isinstance(option.type, click.types.IntParamType | click.types.FloatParamType)
]


@pytest.mark.parametrize("written", ["-2", "0", "nan", "inf", "-inf", "true", "1e99", "10" * 30])
@pytest.mark.parametrize(("name", "option"), NUMBERS)
def test_every_number_on_the_command_line_refuses_what_makes_no_sense(
    tmp_path: Path, name: str, option: click.Parameter, written: str
) -> None:
    # A range without an end would let the command run here.
    assert {getattr(option.type, end, None) for end in ("min", "max")}.isdisjoint({None})
    if written == "0" and getattr(option.type, "min", None) == 0:
        return
    result = CliRunner().invoke(
        sysgen, [name, "--data", str(tmp_path / "none"), f"{option.opts[-1]}={written}"]
    )

    assert result.exit_code == 2
    assert "Invalid value for " in result.output
    assert option.opts[-1] in result.output
