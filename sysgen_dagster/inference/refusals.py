"""Whom a reply that is no chat completion speaks of, and what follows: the one place that decides.

It speaks of the row, of our account, of the server, or of the moment. The first of `RULES` that
fits decides; `docs/inference.md` prints them. What is left is a refusal of which nothing is known:
it speaks of the row where others are answered, else of all; `refused_in_a_row` finds out.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from sysgen_dagster.chat.drop_reasons import NoAnswer
from sysgen_dagster.inference.asked_waits import asked_wait
from sysgen_dagster.inference.error_words import Words
from sysgen_dagster.inference.ledger import Outcome
from sysgen_dagster.inference.refusal_words import (
    AGAIN,
    BUSY,
    CHANGED,
    FILTERED,
    LIMIT,
    NO_CREDIT,
    NO_KEY,
    NO_MODEL,
    NO_QUOTA,
    TOO_LONG,
)

_CLIENT = range(400, 500)
_SERVER = range(500, 600)
_ALL = range(400, 600)


class About(StrEnum):
    """Whom a reply speaks of."""

    ACCOUNT = "the account"
    SERVER = "the server"
    MOMENT = "the moment"
    ROW = "the row"
    UNKNOWN = "the row, or all"


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a reply that is no completion means.

    Attributes:
        about: Whom it speaks of.
        reason: The drop reason of the row, where it ends with one.
        wait_s: How long the server asks us to wait.
        is_busy: Whether the server works and has no room now.
        advice: What a person can do, where the partition fails.
    """

    about: About
    reason: NoAnswer
    wait_s: float = 0.0
    is_busy: bool = False
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of reply.

    Attributes:
        reply: The kind, as the table in the documents describes it.
        refusal: What it means.
        always: Statuses that need no words.
        at: Statuses at which `words` decide.
        words: In messages and codes of the server.
        unless: Words that speak against it.
        names_no_wait: Whether it fits only where the server does not say how long to wait.
    """

    reply: str
    refusal: Refusal
    always: Collection[int] = ()
    at: Collection[int] = ()
    words: re.Pattern[str] | None = None
    unless: re.Pattern[str] | None = None
    names_no_wait: bool = False

    def fits(self, status: int, words: Words, wait_s: float) -> bool:
        """Whether a reply is of this kind."""
        if status in self.always:
            return True
        if status not in self.at or self.words is None or (self.names_no_wait and wait_s):
            return False
        is_meant = words.hold(self.words)
        return is_meant and not (self.unless and words.hold(self.unless))


def _about_account(advice: str) -> Refusal:
    return Refusal(About.ACCOUNT, NoAnswer.REFUSED_BY_SERVER, advice=advice)


_PAY = "add credit to the account, or wait until its quota is set back"
UNKNOWN = Refusal(
    About.UNKNOWN,
    NoAnswer.REFUSED_BY_SERVER,
    advice="mend what it says in the catalogue, at the server or with the account",
)
_BUSY_NOW = Refusal(About.MOMENT, NoAnswer.SERVER_ERROR, is_busy=True)
RULES = (
    Rule(
        "402; credit, balance, budget or quota used up, an account that is suspended (400 to 499)",
        _about_account(_PAY),
        always={402},
        at=_CLIENT,
        words=NO_CREDIT,
    ),
    Rule(
        "a quota is used up, and nothing says when there is one again (400 to 499)",
        _about_account(_PAY),
        at=_CLIENT,
        words=NO_QUOTA,
        unless=BUSY,
        names_no_wait=True,
    ),
    Rule(
        "moderation, a content filter, a policy on content (400 to 599)",
        Refusal(About.ROW, NoAnswer.FILTERED_BY_SERVER),
        at=set(_ALL) - {401, 407, 429, 503},
        words=FILTERED,
    ),
    Rule(
        "401, 407; 400 or 403: the API key is wrong, or may not do this",
        _about_account("correct the API key (`api_key_env` in the catalogue) or what it may do"),
        always={401, 407},
        at={400, 403},
        words=NO_KEY,
    ),
    Rule(
        "a redirect, 405, 501, 505; 400, 404, 410 or 422: no such model",
        Refusal(
            About.SERVER,
            NoAnswer.REFUSED_BY_SERVER,
            advice="correct `base_urls` and `served_name` in the catalogue, or the server",
        ),
        always={*range(300, 400), 405, 501, 505},
        at={400, 404, 410, 422},
        words=NO_MODEL,
    ),
    Rule(
        "429, 503, 529; a rate limit, an overload (400 to 599)",
        _BUSY_NOW,
        always={429, 503, 529},
        at=_ALL,
        words=BUSY,
    ),
    Rule(
        "413; the prompt does not fit the context (400 to 599)",
        Refusal(About.ROW, NoAnswer.TOO_LONG),
        always={413},
        at=_ALL,
        words=TOO_LONG,
        unless=LIMIT,
    ),
    Rule(
        "408, 409, 424, 425, every other 5xx; 400 to 499: try again",
        Refusal(About.MOMENT, NoAnswer.SERVER_ERROR),
        always={408, 409, 424, 425, *_SERVER},
        at=_CLIENT,
        words=AGAIN,
        unless=CHANGED,
    ),
    Rule(
        "any other 400 to 499",
        UNKNOWN,
        always=_CLIENT,
    ),
)
_NO_REPLY = Refusal(About.MOMENT, NoAnswer.MALFORMED_REPLY)


def judge(status: int, headers: Mapping[str, str], words: Words) -> Refusal:
    """What a reply that is no completion means.

    Args:
        status: Of the response, or the one that an error with status 200 names.
        headers: Of the response.
        words: Of the server in its body.
    """
    wait_s = asked_wait(headers, words.messages)
    refusal = next((r.refusal for r in RULES if r.fits(status, words, wait_s)), _NO_REPLY)
    return replace(refusal, wait_s=wait_s) if refusal.about is About.MOMENT else refusal


def is_remembered(outcome: Outcome) -> bool:
    """Whether an outcome stays in the ledger: a completion does, a refusal or a failure does not.

    What was refused cost nothing, and another setting, account or server may answer it.
    """
    return outcome.text is not None or outcome.finish_reason is not None


def as_markdown() -> str:
    """The rules as a table, for the documents."""
    lines = ["| reply, the first that fits | speaks of | what follows | `drop_reason` |"]
    lines += ["|---|---|---|---|"]
    for rule in RULES:
        about, reason = rule.refusal.about, rule.refusal.reason
        ends = about not in (About.ACCOUNT, About.SERVER)
        shown = f"`{reason}`" if ends else ""
        lines.append(f"| {rule.reply} | {about} | {_follows(rule.refusal)} | {shown} |")
    return "\n".join(lines) + "\n"


def _follows(refusal: Refusal) -> str:
    if refusal.is_busy:
        return (
            "sent again later, as the server asks; after 5 minutes given up, or the partition "
            "fails if nobody was answered"
        )
    return {
        About.ACCOUNT: "the partition fails at once with what the server said",
        About.SERVER: "the partition fails at once with what the server said",
        About.MOMENT: "sent again, five times in all",
        About.ROW: "the row is dropped",
        About.UNKNOWN: (
            "the row is dropped where others are answered; the partition fails where nobody is"
        ),
    }[refusal.about]
