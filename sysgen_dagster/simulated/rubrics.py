"""The judge of one answer by a rubric: feedback and a score from 1 to 5; and rubrics themselves.

What an answer is worth by a criterion is drawn once for the two, the same for every judge, with
and without the system message; each judge then errs by one level by its own rate. Some scores are
written in another form, and some in one that is no score. Nothing is read, but for criteria that
were written here: they name a preference, and an answer that names it, too, is worth more.
"""

import re
from collections.abc import Sequence
from random import Random

from sysgen_dagster.obedience.rubric_scores import HIGHEST, LOWEST
from sysgen_dagster.simulated.preferences import name_preference
from sysgen_dagster.simulated.profiles import FailureProfile
from sysgen_dagster.simulated.prose import NOTICE
from sysgen_dagster.simulated.reading import split_marked_texts

_LEVELS = range(LOWEST, HIGHEST + 1)
_SHARES = (0.04, 0.10, 0.24, 0.36, 0.26)  # of the levels; our choice, as are the two below
_OF_NAMED = (0.00, 0.02, 0.08, 0.40, 0.50)  # where the answer names what the criterion names
_OF_NOT_NAMED = (0.20, 0.30, 0.35, 0.10, 0.05)
_NAMED = re.compile(r"keep to \"([^\"]+)\"")

# Forms that judges write where they are not held to one; the score is plain in each.
_READABLE = (
    "**[RESULT]** {score}",
    "[RESULT] **{score}**",
    "[RESULT]: {score}",
    "[RESULT] <{score}>",
    "**[RESULT] {score}**",
    "[Result] {score}.",
)
# No score, or none that is plain.
_UNREADABLE = (
    "[RESULT] {score}.5",
    "[RESULT] {score}/5",
    "[RESULT] {score} or {other}",
    "[RESULT] four",
    "[RESULT] 45",
    "[RESULT]",
    "Score: {score}",
)


def grade_by_rubric(turn: str, profile: FailureProfile, rng: Random) -> str:
    """Feedback on the answer in a judge's user turn, and a line with its score."""
    parts = split_marked_texts(turn)
    texts = dict(parts)
    score = draw_worth(texts.get("answer", ""), texts.get("criterion", ""))
    if rng.random() < profile.phrase_error:
        score = rng.choice([each for each in _LEVELS if abs(each - score) == 1])
    # The word and the number of the feedback are no score: that is what the mark is for.
    feedback = f"Feedback: {NOTICE} A score of 5 was as likely for these {len(parts)} texts."
    return f"{feedback}\n{_write_score(score, profile, rng)}"


def draw_worth(answer: str, criterion: str) -> int:
    """What is taken for the truth of an answer by a criterion."""
    drawn = Random("\0".join([answer, criterion]))  # noqa: S311 - repeatable on purpose, no secret
    shares, named = _SHARES, _NAMED.search(criterion)
    if named:
        shares = _OF_NAMED if named[1] in answer else _OF_NOT_NAMED
    return drawn.choices(_LEVELS, shares)[0]


def _write_score(score: int, profile: FailureProfile, rng: Random) -> str:
    if rng.random() < profile.unreadable_judgements:
        other = score % HIGHEST + 1
        return rng.choice(_UNREADABLE).format(score=score, other=other)
    form = rng.choice(_READABLE) if rng.random() < profile.verdict_noise else "[RESULT] {score}"
    return form.format(score=score)


_STAND_FOR = (
    "The answer does nothing of it.",
    "The answer does it once, as if by accident.",
    "The answer does it here and there, and elsewhere the opposite.",
    "The answer does it nearly everywhere, with one lapse.",
    "The answer does it from beginning to end.",
)


def write_rubric(turn: str, profile: FailureProfile, rng: Random) -> str:
    """Six lines on the preference in a user turn, malformed as often as Phase 1's messages."""
    texts = dict(split_marked_texts(turn))
    name = name_preference(texts.get("preference", "").partition(": ")[2])
    again = "in every part " if "earlier criterion" in texts else ""
    lines = _rubric_lines(f'Does the answer {again}keep to "{name}"? {NOTICE}')
    if rng.random() < profile.malformed:
        return rng.choice(_BREAKS)(lines, rng)
    return "\n".join(lines)


def write_any_rubric() -> str:
    """A rubric about nothing."""
    return "\n".join(_rubric_lines(f"Does the answer do it? {NOTICE}"))


def _rubric_lines(criterion: str) -> list[str]:
    levels = enumerate(_STAND_FOR, 1)
    return [f"Criterion: {criterion}", *(f"Score {level}: {text}" for level, text in levels)]


def _without_a_line(lines: Sequence[str], rng: Random) -> str:
    at = rng.randrange(len(lines))
    return "\n".join([*lines[:at], *lines[at + 1 :]])


def _with_a_blank_level(lines: Sequence[str], rng: Random) -> str:
    at = rng.randrange(1, len(lines))
    return "\n".join([*lines[:at], f"Score {at}: ...", *lines[at + 1 :]])


def _with_a_level_twice(lines: Sequence[str], _: Random) -> str:
    return "\n".join([*lines[:-1], f"Score 5: {_STAND_FOR[3]}"])


def _prose(_: Sequence[str], __: Random) -> str:
    return f"{NOTICE} A good answer does what the person prefers, and a bad one does not."


_BREAKS = (_without_a_line, _with_a_blank_level, _with_a_level_twice, _prose)
