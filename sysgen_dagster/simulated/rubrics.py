"""The judge of one answer by a rubric: feedback and a score from 1 to 5, drawn and not read.

What an answer is worth by a criterion is drawn once for the two, the same for every judge, with
and without the system message; each judge then errs by one level by its own rate. Some scores are
written in another form, and some in one that is no score.
"""

from random import Random

from sysgen_dagster.obedience.rubric_scores import HIGHEST, LOWEST
from sysgen_dagster.simulated.profiles import FailureProfile
from sysgen_dagster.simulated.prose import NOTICE
from sysgen_dagster.simulated.reading import split_marked_texts

_LEVELS = range(LOWEST, HIGHEST + 1)
_SHARES = (0.04, 0.10, 0.24, 0.36, 0.26)  # of the levels; our choice

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
    """What is taken for the truth of an answer by a criterion; nothing of them is read."""
    drawn = Random("\0".join([answer, criterion]))  # noqa: S311 - repeatable on purpose, no secret
    return drawn.choices(_LEVELS, _SHARES)[0]


def _write_score(score: int, profile: FailureProfile, rng: Random) -> str:
    if rng.random() < profile.unreadable_judgements:
        other = score % HIGHEST + 1
        return rng.choice(_UNREADABLE).format(score=score, other=other)
    form = rng.choice(_READABLE) if rng.random() < profile.verdict_noise else "[RESULT] {score}"
    return form.format(score=score)
