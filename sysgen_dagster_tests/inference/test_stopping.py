"""Who is told that the process is to end, and when."""

import pytest

from sysgen_dagster.inference.stopping import Stop, StoppedError


def test_nothing_is_stopped_before_it_is_asked_for() -> None:
    stop = Stop()
    called: list[str] = []
    with stop.calls(lambda: called.append("end")):
        stop.check()
    assert (stop.is_asked, called) == (False, [])


def test_what_goes_on_is_called_and_nothing_more_begins() -> None:
    stop = Stop()
    called: list[str] = []
    with stop.calls(lambda: called.append("first")), stop.calls(lambda: called.append("second")):
        stop.ask()
    assert called == ["first", "second"]
    with pytest.raises(StoppedError, match="nothing that was answered is asked twice"):
        stop.check()


def test_what_has_ended_is_not_called() -> None:
    stop = Stop()
    called: list[str] = []
    with stop.calls(lambda: called.append("end")):
        pass
    stop.ask()
    assert called == []


def test_what_begins_too_late_is_called_at_once() -> None:
    stop = Stop()
    stop.ask()
    called: list[str] = []
    with stop.calls(lambda: called.append("end")):
        assert called == ["end"]
