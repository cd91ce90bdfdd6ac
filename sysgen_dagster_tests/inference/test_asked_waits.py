"""How long a server asks us to wait, in every form in which servers say it."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sysgen_dagster.inference.asked_waits import asked_wait

NOW = 1_800_000_000.0  # Fri, 15 Jan 2027 08:00:00 GMT


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7),
        ({"retry-after": " 7 "}, 7),
        ({"RETRY-AFTER": "1.5"}, 1.5),
        ({"Retry-After": "0.25"}, 0.25),
        ({"Retry-After": "30s"}, 30),
        ({"Retry-After": "9" * 400}, math.inf),  # the wait has a bound of its own
        ({"Retry-After": "Fri, 15 Jan 2027 08:00:20 GMT"}, 20),
        ({"Retry-After": "Friday, 15-Jan-27 08:00:20 GMT"}, 20),
        ({"Retry-After": "Fri Jan 15 08:00:20 2027"}, 20),
        ({"Retry-After": "Fri, 15 Jan 2027 09:00:20 +0100"}, 20),
        ({"retry-after-ms": "1500"}, 1.5),
        ({"retry-after-ms": "20", "Retry-After": "1"}, 0.02),
        ({"retry-after-ms": "soon", "Retry-After": "1"}, 1),
        ({"x-ratelimit-reset": "30"}, 30),
        ({"x-ratelimit-reset": f"{NOW + 30:.0f}"}, 30),
        ({"X-RateLimit-Reset": f"{(NOW + 30) * 1000:.0f}"}, 30),
        ({"x-ratelimit-reset-requests": "6m0s", "x-ratelimit-remaining-requests": "0"}, 360),
        ({"x-ratelimit-reset-tokens": "120ms", "x-ratelimit-remaining-tokens": "0"}, 0.12),
        ({"x-ratelimit-reset-tokens": "2m59.5s", "x-ratelimit-remaining-tokens": "0"}, 179.5),
        ({"x-ratelimit-reset-tokens": "1h", "x-ratelimit-remaining-tokens": "0"}, 3600),
        ({"x-ratelimit-reset-tokens": "1s", "x-ratelimit-remaining-tokens": "12"}, 0),
    ],
)
def test_a_wait_is_read_from_the_headers(headers: dict[str, str], seconds: float) -> None:
    assert asked_wait(headers, now=NOW) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "value",
    [
        *("", " ", "-5", "-1.5", "nan", "inf", "Infinity", "1e9", "1_0", "+3", "0x10", "soon"),
        *("٣", "1,5", "Wed, 99 Oct 2037 07:28:00 GMT", "Fri, 15 Jan 1999 08:00:20 GMT"),
        *("\x00", "é", "Fri, 15 Jan 99999999999 08:00:20 GMT", "0", "0.0"),
    ],
)
@pytest.mark.parametrize("name", ["Retry-After", "retry-after-ms", "x-ratelimit-reset"])
def test_what_is_no_time_to_wait_is_none(name: str, value: str) -> None:
    assert asked_wait({name: value}, now=NOW) == 0


@pytest.mark.parametrize(
    ("words", "seconds"),
    [
        ("Please try again in 20s. Visit us.", 20),
        ("Please try again in 7.66s.", 7.66),
        ("Please try again in 2m59.56s. Need more?", 179.56),
        ("Please try again in 120ms", 0.12),
        ("Please try again in 6m0s", 360),
        ("Please retry in 20.5s.", 20.5),
        ("Please retry after 20 seconds.", 20),
        ("retry in 20s", 20),
        ("Please try again in 1h12m0.5s.", 4320.5),
        ("Please try again in 2h", 7200),
        ("Try again in 5 minutes", 300),
        ("Retry after 1.5 hours", 5400),
        ("Please wait 7080 seconds before retrying.", 7080),
        ("try again in 5 steps", 0),
        ("retry after 2026-11-29T10:00:00Z", 0),
        ("Try again later.", 0),
        ("Try again in a while", 0),
        ("try again in 1.2.3s", 0),
        ("The limit is 20s.", 0),
    ],
)
def test_a_wait_is_read_from_the_words(words: str, seconds: float) -> None:
    assert asked_wait({}, words, now=NOW) == pytest.approx(seconds)


def test_headers_go_before_words() -> None:
    assert asked_wait({"Retry-After": "3"}, "Please try again in 20s.", now=NOW) == 3


def test_a_date_is_read_by_the_clock_of_the_server() -> None:
    headers = {
        "Date": "Wed, 21 Oct 2015 07:28:00 GMT",
        "Retry-After": "Wed, 21 Oct 2015 07:28:07 GMT",
    }
    assert asked_wait(headers) == 7
    assert asked_wait({"Retry-After": "Wed, 21 Oct 2015 07:28:07 GMT"}) == 0
    assert asked_wait({"Date": "today", "Retry-After": "7"}) == 7


NAMES = st.sampled_from(
    [
        *("Retry-After", "retry-after-ms", "Date", "x-ratelimit-reset"),
        *("x-ratelimit-reset-tokens", "x-ratelimit-remaining-tokens"),
    ]
)
VALUES = st.one_of(
    st.text(st.characters(codec="latin-1"), max_size=40),
    st.floats().map(str),
    st.integers().map(str),
    st.datetimes().map(lambda date: date.strftime("%a, %d %b %Y %H:%M:%S GMT")),
)


@given(st.dictionaries(NAMES, VALUES), st.text(max_size=40))
def test_whatever_a_server_asks_is_a_number_that_can_be_waited(
    headers: dict[str, str], words: str
) -> None:
    assert asked_wait(headers, words) >= 0
