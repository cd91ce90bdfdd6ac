"""One catalogue and one Dagster instance for the session: bundled rows, simulated models.

Partitions are definitions, so the catalogue must stand before anything of `sysgen_dagster.defs` is
imported.
"""

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import settings

from sysgen_dagster.catalog.load import FULL_CATALOG
from sysgen_dagster.commands.deployment import begin_deployment
from sysgen_dagster.commands.trial_catalog import EXAMPLE_ROWS, local_catalog
from sysgen_dagster.inference.local.environment import NAMES_MORE
from sysgen_dagster.inference.local.servers import stop
from sysgen_dagster.lanes.catalog import load_catalog
from sysgen_dagster.processes.state import running
from sysgen_dagster_tests.inference.processes import MARK, Descendants, kill, wait_until
from sysgen_dagster_tests.lanes.multifaceted.instructions import with_both_lanes
from sysgen_dagster_tests.storage.s3_server import new_bucket, running_s3

# The same examples on every run, and no clock: how long one takes is a matter of the machine.
# To look further than the suite does: ``--hypothesis-profile=explore``.
settings.register_profile("sysgen", deadline=None, derandomize=True)
settings.register_profile("explore", deadline=None, max_examples=20_000)
settings.load_profile("sysgen")

# A developer's own Postgres and webhook are none of the tests' business.
for _name in ("SYSGEN_POSTGRES_URL", "SYSGEN_WEBHOOK_URL", "SYSGEN_UI_URL"):
    os.environ.pop(_name, None)
_DATA = Path(tempfile.mkdtemp(prefix="sysgen-tests-"))
begin_deployment(with_both_lanes(local_catalog(load_catalog(FULL_CATALOG), EXAMPLE_ROWS)), _DATA)
# Engines outlive a run, and so a file of tests.
_BEGUN = {*_DATA.iterdir(), *(_DATA / "dagster_home").iterdir(), _DATA / "engines"}


@pytest.fixture(scope="session", autouse=True)
def _servers_end_with_the_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Those of every deployment that a test of this session has made, wherever it lies."""
    yield
    for engines in (_DATA / "engines", *tmp_path_factory.getbasetemp().rglob("engines")):
        for name in running(engines):
            stop(engines, name)
    shutil.rmtree(_DATA)


@pytest.fixture(scope="module", autouse=True)
def _every_file_of_tests_begins_with_an_empty_deployment() -> Iterator[None]:
    """What one file has made is no other file's; which files a worker gets is chance."""
    yield
    for entry in (*_DATA.iterdir(), *(_DATA / "dagster_home").iterdir()):
        if entry not in _BEGUN and entry.is_dir():
            shutil.rmtree(entry)
        elif entry not in _BEGUN:
            entry.unlink()


@pytest.fixture(scope="session")
def s3() -> Iterator[str]:
    """The address of an S3 server, at which the environment points from now on."""
    with running_s3() as address:
        yield address


@pytest.fixture
def bucket(s3: str) -> str:
    """The URL of an empty bucket."""
    return new_bucket(s3)


@pytest.fixture
def descendants(monkeypatch: pytest.MonkeyPatch) -> Iterator[Descendants]:
    """The processes that the test starts; all of them must have ended when it has."""
    mark = uuid.uuid4().hex
    monkeypatch.setenv(MARK, mark)
    monkeypatch.setenv(NAMES_MORE, f"{MARK}, SYSGEN_TEST_NEED")
    found = Descendants(mark)
    yield found
    with suppress(AssertionError):
        wait_until(lambda: not found(), within_s=60)
    left = found.describe()
    kill(*found())
    assert left == []
