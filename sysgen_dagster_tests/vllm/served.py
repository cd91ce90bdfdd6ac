"""The tiny model as the catalogue names it, and the processes that serve it."""

from contextlib import suppress
from pathlib import Path

from sysgen_dagster.commands.trial_catalog import EXAMPLE_ROWS, real_model
from sysgen_dagster.lanes.sysgen.settings import Generator
from sysgen_dagster.processes.state import read_state

_REAL_ROWS = Path(__file__).parents[3] / "shared" / "data"
ROWS = _REAL_ROWS if _REAL_ROWS.is_dir() else EXAMPLE_ROWS


def entry(weights: Path) -> Generator:
    """The catalogue's entry of a model, from a folder of weights."""
    [model] = real_model(str(weights), endpoint=None, api_key_env=None).values()
    return model


def group_of(folder: Path, name: str) -> dict[int, str]:
    """The living processes of a server, by process id, with their names."""
    state = read_state(folder, name)
    assert state is not None
    return processes_of_group(state["pid"])


def processes_of_group(group: int) -> dict[int, str]:
    found = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, _, its_group, *_ = stat.read_text().rpartition(")")[2].split()
            if int(its_group) == group and state not in "ZX":
                line = stat.with_name("cmdline").read_bytes().replace(b"\0", b" ")
                found[int(stat.parent.name)] = line.decode()
    return found
