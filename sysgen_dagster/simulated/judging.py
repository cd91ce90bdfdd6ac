"""The judges: which of two answers is better, and whether one keeps to a message or its phrases.

No text is understood: verdicts are drawn by the rates of a profile. The draw for a pair of answers
is seeded with both texts in sorted order, so a judge mostly prefers the same answer in both orders.
"""

from collections.abc import Sequence
from random import Random

from sysgen_dagster.evaluation.nemotron_sysbench.grading import QUESTIONS
from sysgen_dagster.evaluation.sysbench.grading import CONSTRAINTS
from sysgen_dagster.obedience.numbered_verdicts import NumberedVerdicts
from sysgen_dagster.obedience.phrase_verdicts import PHRASES, Judged
from sysgen_dagster.simulated.profiles import FailureProfile
from sysgen_dagster.simulated.prose import NOTICE
from sysgen_dagster.simulated.reading import split_marked_texts


def judge_preference(turn: str, profile: FailureProfile, rng: Random) -> str:
    """A reason and a verdict on the pair of answers in a judge's user turn.

    The new answer is the one that says that it is simulated; where neither or both do, one of the
    two is drawn as the new one.
    """
    if rng.random() < profile.position_bias:
        return _write_reply("Answer A was said because it stands first.", "A", profile, rng)
    texts = dict(split_marked_texts(turn))
    first, second = texts.get("answer A", ""), texts.get("answer B", "")
    pair = sorted([first, second])
    opinion = Random("\0".join(pair))  # noqa: S311 - repeatable on purpose, no secret
    new, original = ("A", "B") if _is_new(first, pair, opinion) else ("B", "A")
    # The paper's judge sees the original answer first, so position bias costs the new answer wins.
    # Dividing by the rest makes the overall rate the published one.
    won = profile.new_preferred / (1 - profile.position_bias) - profile.ties / 2
    shares = (won, profile.ties, 1 - won - profile.ties)
    [verdict] = opinion.choices((new, "tie", original), shares)
    return _write_reply("The two answers were drawn for and not read.", verdict, profile, rng)


def judge_alignment(turn: str, profile: FailureProfile, rng: Random) -> str:
    """A reason and a verdict on a system message and an answer, drawn whatever they say."""
    shares = (profile.aligned, profile.not_aligned, 1 - profile.aligned - profile.not_aligned)
    [verdict] = rng.choices(("Aligned", "Not aligned", "Unknown"), shares)
    reason = f"A verdict was drawn for {len(split_marked_texts(turn))} texts that were not read."
    return _write_reply(reason, verdict, profile, rng)


def judge_phrases(turn: str, profile: FailureProfile, rng: Random) -> str:
    """A line with a verdict for each phrase in a judge's user turn, and whether it declines.

    Whether a phrase is kept is drawn once for the phrase and the answers, the same for every judge;
    each judge then errs by its own rate.
    """
    reply = judge_numbered(turn, PHRASES, profile, rng)
    if reply.startswith(NOTICE + "\n") and _ASKS_DECLINES in turn.rpartition("]\n")[2]:
        # Answers that decline in other words than the rules know are not made up here.
        said = "Yes" if rng.random() < profile.phrase_error else "No"
        return f"{reply}\nDeclines: {said}"
    return reply


def judge_numbered(
    turn: str, verdicts: NumberedVerdicts, profile: FailureProfile, rng: Random
) -> str:
    """A line with a verdict for each numbered part in a judge's user turn, in one of its forms.

    A part is broken and a judge errs as often as of phrases.
    """
    if rng.random() < profile.unreadable_judgements:
        return f"{NOTICE} {rng.choice(_UNREADABLE)}"
    label = verdicts.label
    plain = f"{label} {{n}}: {{said}}"
    noisy = [form.replace("Phrase", label) for form in _NOISY_LINES]
    form = rng.choice(noisy) if rng.random() < profile.verdict_noise else plain
    parts = split_marked_texts(turn)
    answers = [text for name, text in parts if name.endswith("answer")]
    shown = [text for name, text in parts if name.startswith(f"{label.lower()} ")]
    words = dict(zip(Judged, verdicts.words, strict=True))
    lines = [
        form.format(n=n, said=words[_judge_phrase(text, answers, profile, rng)])
        for n, text in enumerate(shown, 1)
    ]
    return "\n".join([NOTICE, *lines])


def judge_questions(turn: str, profile: FailureProfile, rng: Random) -> str:
    """A line with a verdict for each question."""
    return judge_numbered(turn, QUESTIONS, profile, rng)


def judge_checklist(turn: str, profile: FailureProfile, rng: Random) -> str:
    """A line with a verdict for each constraint of a checklist."""
    return judge_numbered(turn, CONSTRAINTS, profile, rng)


_ASKS_DECLINES = "whether the answer declines"


def is_kept(phrase: str, answers: Sequence[str], profile: FailureProfile) -> bool:
    """What is taken for the truth of a phrase and made-up answers; nothing of them is read."""
    drawn = Random("\0".join([phrase, *answers]))  # noqa: S311 - repeatable on purpose, no secret
    return drawn.random() >= profile.phrase_broken


def _judge_phrase(
    phrase: str, answers: Sequence[str], profile: FailureProfile, rng: Random
) -> Judged:
    if rng.random() < profile.phrase_unclear:
        return Judged.UNCLEAR
    errs = rng.random() < profile.phrase_error
    return Judged.KEPT if is_kept(phrase, answers, profile) is not errs else Judged.BROKEN


_NOISY_LINES = (
    "**Phrase {n}:** {said}.",
    "{n}. {said}",
    "- Phrase {n}: {said}",
    "| {n} | {said} |",
)


def _is_new(first: str, pair: list[str], opinion: Random) -> bool:
    """Whether the answer shown first is the new one."""
    drawn = opinion.choice(pair)
    marked = [text for text in pair if text.startswith(NOTICE)]
    return first == (marked[0] if len(marked) == 1 else drawn)


_NOISY_FORMS = ("**Verdict: {verdict}**", "**Verdict:** {verdict}.", "verdict: {verdict}")
_UNREADABLE = (
    "Both have something for them, and much depends on who asks.",
    "Verdict: it depends",
    "There is too little here to go by.",
)


def _write_reply(reason: str, verdict: str, profile: FailureProfile, rng: Random) -> str:
    """The reason and a line with the verdict, or as often as the profile says no readable one."""
    if rng.random() < profile.unreadable_judgements:
        return f"{NOTICE} {rng.choice(_UNREADABLE)}"
    noisy = rng.random() < profile.verdict_noise
    form = rng.choice(_NOISY_FORMS) if noisy else "Verdict: {verdict}"
    return f"{NOTICE} {reason}\n\n{form.format(verdict=verdict)}"
