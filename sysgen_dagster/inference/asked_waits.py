"""How long a server asks us to wait before a request is sent again, in its headers or its words."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

_NUMBER = re.compile(r"\d+(?:\.\d*)?")
_DURATION = re.compile(r"(?:(\d{1,6})h)?(?:(\d{1,6})m(?!s))?(?:(\d{1,9}(?:\.\d{1,9})?)(m?s))?")
# "Please try again in 7.66s", "retry in 1h2m59.5s", "retry after 20 seconds", "wait 5 minutes".
_IN_WORDS = re.compile(
    r"(?:try again|retry|wait)(?: in| after| for)? "
    r"(?:(?P<short>(?=\d)(?:\d{1,6}h)?(?:\d{1,6}m(?!s))?(?:[\d.]{1,20}m?s)?)(?!\w)"
    r"|(?P<count>\d{1,6}(?:\.\d+)?) ?(?P<unit>sec|min|hour))",
    re.IGNORECASE,
)
_UNITS = {"sec": 1, "min": 60, "hour": 3600}
_LIMITS = ("requests", "tokens")
_EPOCH_S = 1e9  # a larger number is a time and not a duration
_EPOCH_MS = 1e12
_A_YEAR_S = 365 * 86_400  # no longer time is shown


def asked_wait(headers: Mapping[str, str], words: str = "", now: float | None = None) -> float:
    """Seconds that a server asks us to wait; 0 where it asks nothing that can be read.

    Args:
        headers: Of the reply, in any case.
        words: Its messages.
        now: Seconds since 1970; None: the time of the server where it names one, else ours.
    """
    given = {name.lower(): value.strip() for name, value in headers.items()}
    if now is None:
        now = _read_date(given.get("date", "")) or datetime.now(UTC).timestamp()
    waits = (
        _read_number(given.get("retry-after-ms", "")) / 1000,
        _read_number(given.get("retry-after", "")) or _read_duration(given.get("retry-after", "")),
        _read_date(given.get("retry-after", "")) - now,
        _read_reset(given, now),
        _read_words(words),
    )
    return next((wait for wait in waits if wait > 0), 0.0)


def with_wait(said: str, wait_s: float) -> str:
    """What a server said, and how long it asks us to wait: often only a header names that."""
    if not wait_s:
        return said
    return f"{said}, it asks to wait {timedelta(seconds=int(min(wait_s, _A_YEAR_S)))}"


def _read_number(text: str) -> float:
    # Only ASCII: `float` reads digits of all scripts, infinity, and numbers like 1_0 and 1e9.
    return float(text) if text.isascii() and _NUMBER.fullmatch(text) else 0.0


def _read_date(text: str) -> float:
    """Seconds since 1970 of a date of HTTP; 0 for anything else."""
    try:
        date = parsedate_to_datetime(text)
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return 0.0


def _read_duration(text: str) -> float:
    """Seconds in a duration such as 6m0s, 59.5s or 120ms; 0 for anything else."""
    found = _DURATION.fullmatch(text.replace(" ", "")) if text.isascii() else None
    if not found:
        return 0.0
    hours, minutes, rest, unit = found.groups()
    seconds = float(rest or 0) / (1000 if unit == "ms" else 1)
    return int(hours or 0) * 3600 + int(minutes or 0) * 60 + seconds


def _read_reset(given: Mapping[str, str], now: float) -> float:
    """The time until the limit that is used up is set back."""
    prefix = "x-ratelimit"
    used_up = [each for each in _LIMITS if given.get(f"{prefix}-remaining-{each}") == "0"]
    names = [f"{prefix}-reset-{each}" for each in used_up] or [f"{prefix}-reset"]
    return max(_read_reset_value(given.get(name, ""), now) for name in names)


def _read_reset_value(text: str, now: float) -> float:
    number = _read_number(text)
    if number >= _EPOCH_MS:
        return number / 1000 - now
    if number >= _EPOCH_S:
        return number - now
    return number or _read_duration(text)


def _read_words(words: str) -> float:
    found = _IN_WORDS.search(words)
    if not found:
        return 0.0
    if found["short"]:
        return _read_duration(found["short"].lower())
    return _read_number(found["count"]) * _UNITS[found["unit"].lower()]
