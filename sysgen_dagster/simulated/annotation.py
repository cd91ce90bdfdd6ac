"""Phase 1: a tagged system message for a conversation, malformed as often as a profile says."""

import re
from collections.abc import Sequence
from random import Random

from sysgen_dagster.chat.messages import ChatMessage
from sysgen_dagster.lanes.sysgen.tags import Tag
from sysgen_dagster.simulated.material import load_material, pick
from sysgen_dagster.simulated.profiles import FailureProfile
from sysgen_dagster.simulated.reading import Domain, Subject
from sysgen_dagster.simulated.told_length import say_length

# Order and form of a message where the paper gives no figure: all of these are our choice.
_FIRST = (Tag.ROLE, Tag.TASK, Tag.BACKGROUND)
_WRITING_ORDER = (*_FIRST, *(tag for tag in Tag if tag not in _FIRST))
_SHUFFLED = 0.3  # share of messages whose tags are in random order
_SYMMETRIC = 0.15  # with <<Role>> as closing mark, as in the paper's Figure 2, not <</Role>>
_ONE_LINE = 0.15  # without line ends
# Share of the messages with a tag that have two phrases of it.
_TWICE = {Tag.CONTENT: 0.15, Tag.ACTION: 0.1, Tag.BACKGROUND: 0.05, Tag.STYLE: 0.05}

_UNKNOWN_TAGS = ("Example", "System", "Conversational History", "Instructions", "Goal", "Tasks")
_STRAY_TEXTS = (
    "Here is the tagged system message:",
    "Instructions:",
    "**System message**",
    "Note: the marks follow the order of importance.",
    "This message would have led to the same answer.",
)

_Piece = tuple[Tag, str]


def write_tagged_message(subject: Subject, profile: FailureProfile, rng: Random) -> str:
    """A tagged system message in the language of the conversation."""
    phrases = _draw_phrases(subject, profile, rng)
    if rng.random() < _SHUFFLED:
        rng.shuffle(phrases)
    phrases = _with_notice(phrases, subject)
    slash = "" if rng.random() < _SYMMETRIC else "/"
    pieces = [_enclose(tag, text, slash) for tag, text in phrases]
    if rng.random() < profile.malformed:
        _break_one(pieces, phrases, slash, rng)
    else:
        _add_extras(pieces, phrases, slash, profile, rng)
    return (" " if rng.random() < _ONE_LINE else "\n").join(pieces)


def _with_notice(phrases: list[_Piece], subject: Subject) -> list[_Piece]:
    """The phrases, of which one says that it is simulated: the Task, which is seldom removed."""
    at = next((at for at, (tag, _) in enumerate(phrases) if tag is Tag.TASK), 0)
    tag, text = phrases[at]
    return [*phrases[:at], (tag, f"{text} {say_length(subject.answer)}"), *phrases[at + 1 :]]


_PROSE = (
    "Sure! The assistant should be a friendly expert who answers the question step by step.\n\n"
    "I hope this helps."
)
# Lines of tagged phrases, as demonstrations have them.
_TAGGED_LINES = re.compile(r"(?:^<<\w+>>.*<</\w+>>$\n?)+", re.MULTILINE)


def write_useless_message(
    messages: Sequence[ChatMessage], profile: FailureProfile, rng: Random
) -> str | None:
    """Prose without a tag, or the prompt's first demonstration; None where the profile is sound."""
    if profile.prose and rng.random() < profile.prose:
        return _PROSE
    if profile.copied and rng.random() < profile.copied:
        found = (_TAGGED_LINES.search(message["content"]) for message in messages)
        return next((match[0].strip() for match in found if match), _PROSE)
    return None


def _draw_phrases(subject: Subject, profile: FailureProfile, rng: Random) -> list[_Piece]:
    """Phrases for the tags that are drawn; a Task where none is."""
    drawn = [tag for tag in _WRITING_ORDER if rng.random() < profile.tag_shares[tag]]
    phrases: list[_Piece] = []
    for tag in drawn or [Tag.TASK]:
        for _ in range(1 + (rng.random() < _TWICE.get(tag, 0))):
            phrases.append((tag, _write_phrase(tag, subject, profile, rng)))
    return list(dict.fromkeys(phrases))


def _write_phrase(tag: Tag, subject: Subject, profile: FailureProfile, rng: Random) -> str:
    """A phrase of the tag; one of Content quotes the answer as often as judges call it Bad."""
    by_domain = load_material("phrases.yaml")[subject.language]
    variants = by_domain.get(subject.domain, by_domain["general"])
    slots = {"topic": rng.choice(subject.topics) if subject.topics else ""}
    if tag is Tag.CONTENT and rng.random() < profile.bad[tag]:
        slots["detail"] = _quote_answer(subject, rng)
        if slots["detail"]:
            return pick(variants["leaks"], rng, slots)
    return pick(variants[tag], rng, slots)


_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_SENTENCE_END = re.compile(r"[.!?:;\n\u3002\uff01\uff1f\uff1a\uff1b\u060c]+")
_WORD = re.compile(r"\w+(?:['\u2019-]\w+)*")


def _quote_answer(subject: Subject, rng: Random) -> str:
    """A concrete piece of the answer, of words and digits only; empty when there is none."""
    if subject.domain is Domain.MATH and (numbers := _NUMBER.findall(subject.answer[-200:])):
        return str(numbers[-1])
    clauses = [_WORD.findall(clause) for clause in _SENTENCE_END.split(subject.answer[:600])]
    quotes = [" ".join(words[:8])[:60].strip() for words in clauses if words]
    return rng.choice(quotes) if quotes else ""


def _enclose(tag: str, text: str, slash: str) -> str:
    return f"<<{tag}>>{text}<<{slash}{tag}>>"


# The paper's Figure 2 shows the first four; the last is an answer that stopped too early.
_STOPPED_EARLY = "<<{tag}>>{first_two_thirds}"
_BROKEN_FORMS = (
    "<<{tag}>>{text}",
    "<<{tag}>>{text}<<{slash}{other_tag}>>",
    "<<{tag}>>{text}<<//{tag}>>",
    "<<{tag} >>{text}<<{slash}{tag}>>",
    _STOPPED_EARLY,
)


def _break_one(pieces: list[str], phrases: list[_Piece], slash: str, rng: Random) -> None:
    """Open or close one phrase wrongly."""
    form = rng.choice(_BROKEN_FORMS)
    at = len(pieces) - 1 if form is _STOPPED_EARLY else rng.randrange(len(pieces))
    tag, text = phrases[at]
    pieces[at] = form.format(
        tag=tag,
        text=text,
        slash=slash,
        other_tag=Tag.TASK if tag is Tag.FORMAT else Tag.FORMAT,
        first_two_thirds=text[: max(1, len(text) * 2 // 3)],
    )


def _add_extras(
    pieces: list[str], phrases: list[_Piece], slash: str, profile: FailureProfile, rng: Random
) -> None:
    """Add, as often as the profile says, an unknown tag and text outside of every tag."""
    if rng.random() < profile.unknown_tag:
        extra = _enclose(rng.choice(_UNKNOWN_TAGS), rng.choice(phrases)[1], slash)
        pieces.insert(rng.randrange(len(pieces) + 1), extra)
    if rng.random() < profile.stray_text:
        pieces.insert(rng.choice((0, 0, len(pieces))), rng.choice(_STRAY_TEXTS))
