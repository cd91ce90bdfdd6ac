"""A Hub of these tests, and the process that reads from it, for all tests of a file."""

from collections.abc import Iterator

import pytest

from sysgen_dagster_tests.sources.fake_hub import FakeHub, Reader, reading_from


@pytest.fixture(scope="module")
def running_hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[FakeHub, Reader]]:
    hub = FakeHub()
    hub.start()
    with reading_from(hub, tmp_path_factory.mktemp("home")) as read:
        yield hub, read
    hub.go_down()


@pytest.fixture
def read(running_hub: tuple[FakeHub, Reader]) -> Reader:
    """Reads in a process that was started with the address of the hub."""
    return running_hub[1]
