"""Whether a server has answered once, by the file that the run which saw it has written."""

from pathlib import Path

from sysgen_dagster.inference.local.records import ready, was_ready

RECORD = {"port": 1234, "pid": 77}


def test_only_the_supervisor_that_wrote_its_id_has_been_ready(tmp_path: Path) -> None:
    assert not was_ready(tmp_path, "a", RECORD)
    ready(tmp_path, "a").write_text("77")
    assert was_ready(tmp_path, "a", RECORD)
    assert not was_ready(tmp_path, "a", {**RECORD, "pid": 7})
    assert not was_ready(tmp_path, "b", RECORD)
