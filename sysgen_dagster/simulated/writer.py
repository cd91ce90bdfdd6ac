"""What the simulated model answers to a request of any phase, as a pure function.

The same request gets the same answer in any process: every choice comes from a random generator
that is seeded with the request or with texts of it. Nothing is understood or judged; the rates of a
profile decide how often an answer fails and in which way.
"""

from dataclasses import replace
from fractions import Fraction
from random import Random

from sysgen_dagster.chat.tokens import estimate_tokens
from sysgen_dagster.lanes.sysgen import verification
from sysgen_dagster.lanes.sysgen.tags import Tag, parse_tagged_message
from sysgen_dagster.lanes.sysgen.verification import parse_verdicts
from sysgen_dagster.simulated import reading
from sysgen_dagster.simulated.annotation import write_tagged_message, write_useless_message
from sysgen_dagster.simulated.conflicts import answer_conflict_turn
from sysgen_dagster.simulated.constraints import obey
from sysgen_dagster.simulated.faults import Fault
from sysgen_dagster.simulated.judging import (
    judge_alignment,
    judge_checklist,
    judge_phrases,
    judge_preference,
    judge_questions,
)
from sysgen_dagster.simulated.preferences import (
    write_preference_message,
    write_preference_set,
    write_what_was_kept,
)
from sysgen_dagster.simulated.profiles import FailureProfile
from sysgen_dagster.simulated.prose import (
    estimate_original_length,
    write_refusal,
    write_response,
)
from sysgen_dagster.simulated.protocol import Answer, ChatRequest, cut_to_tokens
from sysgen_dagster.simulated.reading import Phase
from sysgen_dagster.simulated.rubrics import grade_by_rubric, write_rubric
from sysgen_dagster.simulated.told_length import read_length, read_result
from sysgen_dagster.simulated.translation import translate

# The tags in the order in which the prompt of Phase 3 shows a verdict on each of the eight.
VERDICT_ORDER = tuple(parse_verdicts(verification.PROMPT.instructions))


def write_answer(
    request: ChatRequest, profile: FailureProfile, fault: Fault | None = None
) -> Answer:
    """The answer to a request; the same for the same request, profile and fault.

    The faults `EMPTY`, `LENGTH` and `REFUSAL` decide what it is. The others do not change it: they
    concern the response that carries it.
    """
    phase, turn = reading.recognise(request.messages)
    if fault is Fault.EMPTY:
        return Answer(phase, "", "stop")
    text = _write(phase, turn, request, profile, fault)
    limit = request.max_tokens
    if fault is Fault.LENGTH:
        limit = min(limit, max(1, estimate_tokens(text) // 2))
    kept = cut_to_tokens(text, limit)
    return Answer(phase, kept, "stop" if kept == text else "length")


def _write(
    phase: Phase, turn: str, request: ChatRequest, profile: FailureProfile, fault: Fault | None
) -> str:
    """The whole text, before it is cut to the tokens that it may have."""
    rng = Random(request.digest)  # noqa: S311 - repeatable on purpose, no secret
    read = reading.read_annotated_subject if phase is Phase.ANNOTATE else reading.read_subject
    subject = read(turn)
    if fault is Fault.REFUSAL:
        return write_refusal(subject)
    constraint = request.constraint
    if constraint is not None:
        profile = _without_form_faults(profile)
    if phase is Phase.ANNOTATE and constraint is None:
        text = write_useless_message(request.messages, profile, rng) or write_tagged_message(
            subject, profile, rng
        )
    elif phase is Phase.ANNOTATE or (constraint is not None and constraint.is_tagged_message):
        text = write_tagged_message(subject, profile, rng)
    elif phase in _BY_TURN:
        text = _BY_TURN[phase](turn, profile, rng)
    elif (in_form := answer_conflict_turn(request.messages, profile, rng)) is not None:
        text = in_form
    else:
        length = read_length(request.messages) or estimate_original_length(subject)
        result, is_wrong = read_result(request.messages), _slips(request, profile)
        if result and is_wrong:
            result = str(Fraction(result) + 1)
        text = write_response(
            subject, profile, rng, request.max_tokens, length, result, is_wrong=is_wrong
        )
        text += write_what_was_kept(request.messages) if text else ""
    return text if constraint is None else obey(constraint, text, rng)


def _slips(request: ChatRequest, profile: FailureProfile) -> bool:
    """Whether an answer has another result than the original; nothing else depends on that."""
    return Random(f"{request.digest}/slips").random() < profile.contradicts  # noqa: S311


def _without_form_faults(profile: FailureProfile) -> FailureProfile:
    """The profile under a constraint, which allows no error of form."""
    return replace(
        profile,
        malformed=0.0,
        unknown_tag=0.0,
        stray_text=0.0,
        verdict_noise=0.0,
        unreadable_verdicts=0.0,
        unreadable_judgements=0.0,
    )


def write_verdicts(turn: str, profile: FailureProfile, rng: Random) -> str:
    """Eight verdicts on the tagged message in a Phase 3 user turn; None for a tag it lacks.

    The verdict on a tag that the message has is drawn by its rate, whatever its phrases say.
    """
    if rng.random() < profile.unreadable_verdicts:
        return rng.choice(_UNREADABLE)
    present = {phrase.tag for phrase in parse_tagged_message(turn).phrases}
    noisy = rng.random() < profile.verdict_noise
    form = rng.choice(_NOISY_FORMS) if noisy else "<<{tag}>>: {verdict}"
    lines = []
    for tag in VERDICT_ORDER:
        verdict = _draw_verdict(tag, profile, rng) if tag in present else "None"
        lines.append(form.format(tag=tag, verdict=verdict, lower=verdict.lower()))
    return "\n".join(lines)


_NOISY_FORMS = (
    "{tag}: {verdict}",
    "<<{tag}>>: {lower}",
    "<<{tag}>>: {verdict}.",
    "<<{tag}>>:{verdict}",
)
_UNREADABLE = (
    "The system message reads well and needs no change.",
    "I would have to see the conversation before I can say anything about the tags.",
    "# Verdicts\n\n(see above)",
)


def _draw_verdict(tag: Tag, profile: FailureProfile, rng: Random) -> str:
    """Good, Bad or None for a tag that the message has."""
    drawn = rng.random()
    if drawn < profile.bad[tag]:
        return "Bad"
    return "None" if drawn < profile.bad[tag] + profile.none[tag] else "Good"


# What is written of the user's turn alone: verdicts, by what they judge, and preferences.
_BY_TURN = {
    Phase.WRITE_SET: write_preference_set,
    Phase.WRITE_MESSAGE: write_preference_message,
    Phase.WRITE_RUBRIC: write_rubric,
    Phase.VERIFY: write_verdicts,
    Phase.JUDGE_PAIR: judge_preference,
    Phase.JUDGE_PREFERENCE: judge_preference,
    Phase.JUDGE_ALIGNMENT: judge_alignment,
    Phase.JUDGE_OBEDIENCE: judge_phrases,
    Phase.JUDGE_RUBRIC: grade_by_rubric,
    Phase.JUDGE_CHECKLIST: judge_checklist,
    Phase.JUDGE_QUESTIONS: judge_questions,
    Phase.TRANSLATE: translate,
}
