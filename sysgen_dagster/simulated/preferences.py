"""The second lane: a preference set in eight lines, and a system message from four descriptions.

Nothing is understood. What a set is about stands in the request and decides which made-up texts it
has; a profile decides how often one is malformed. The first description of a set, and so the
message that is made of it, says that it is simulated. An answer under such a message names what the
message asks for, by which a simulated judge knows for whom it was written.
"""

import re
from collections.abc import Sequence
from random import Random

from sysgen_dagster.chat.messages import ChatMessage
from sysgen_dagster.lanes.multifaceted.taxonomy import DIMENSIONS, label_of
from sysgen_dagster.simulated.material import load_material
from sysgen_dagster.simulated.profiles import FailureProfile
from sysgen_dagster.simulated.prose import NOTICE
from sysgen_dagster.simulated.reading import read_subject, split_marked_texts

_LABELS = {label_of(name): name for name in DIMENSIONS}
_ASPECT = re.compile(rf"^({'|'.join(_LABELS)}), ([^:\n]+): (.+)$", re.MULTILINE)
_NO_TOPIC = "this"


def write_preference_set(turn: str, profile: FailureProfile, rng: Random) -> str:
    """Eight lines on the four aspects in a user turn, malformed as often as Phase 1's messages."""
    instruction = dict(split_marked_texts(turn)).get("instruction", "")
    topics = read_subject(instruction).topics
    topic = rng.choice(topics) if topics else _NO_TOPIC
    lines: list[str] = []
    for label, subdimension, meaning in _ASPECT.findall(turn.rpartition("\n[end of ")[2]):
        texts = load_material("preferences.yaml").get(subdimension) or {
            "preference": f"{subdimension} above all",
            "description": (
                f"Whatever is told of {{topic}} keeps to what somebody with this wish would look "
                f"for first, and gives up other things for it where it has to: {meaning}."
            ),
        }
        description = texts["description"].replace("{topic}", topic)
        notice = "" if lines else f" {NOTICE}"
        lines += [
            f"{label} preference: {texts['preference']}",
            f"{label} description: {description}{notice}",
        ]
    if lines and rng.random() < profile.malformed:
        return rng.choice(_BREAKS)(lines, rng)
    return "\n".join(lines)


def _without_a_line(lines: Sequence[str], rng: Random) -> str:
    at = rng.randrange(len(lines))
    return "\n".join([*lines[:at], *lines[at + 1 :]])


def _with_a_long_preference(lines: Sequence[str], rng: Random) -> str:
    at = rng.randrange(0, len(lines), 2)
    return "\n".join([*lines[:at], f"{lines[at]} in every part of it all", *lines[at + 1 :]])


def _with_an_empty_description(lines: Sequence[str], rng: Random) -> str:
    at = rng.randrange(1, len(lines), 2)
    return "\n".join([*lines[:at], f"{lines[at].partition(':')[0]}: ...", *lines[at + 1 :]])


def _prose(_: Sequence[str], __: Random) -> str:
    return f"{NOTICE} This person would like an answer that is clear, careful and of some use."


_BREAKS = (_without_a_line, _with_a_long_preference, _with_an_empty_description, _prose)

_OPENING = (
    "You are an assistant who answers one particular person, and whatever is asked, you keep to "
    "what follows from the first word to the last."
)
_CLOSING = (
    "Hold on to all of this together, in the order that suits the question best, and let none of "
    "it push another part aside; the person should notice it in the answer without being told."
)


def write_preference_message(turn: str, profile: FailureProfile, rng: Random) -> str:
    """One paragraph of the descriptions in a user turn.

    As often as messages of Phase 1 have a tag that is none, it names the dimensions; as often as
    these have text outside of their tags, something stands before it.
    """
    parts = split_marked_texts(turn)
    descriptions = [text for name, text in parts if name.startswith("wish")]
    if rng.random() < profile.unknown_tag:
        labels = [label_of(name) for name in DIMENSIONS]
        named = zip(labels, descriptions, strict=False)
        return " ".join([_OPENING, *(f"{label}: {text}" for label, text in named), _CLOSING])
    paragraph = " ".join([_OPENING, *descriptions, _CLOSING])
    if rng.random() < profile.stray_text:
        return f"Here is the system message:\n\n{paragraph}"
    return paragraph


_NAMED_WORDS = 6  # of each sentence of a message


def name_preference(description: str) -> str:
    """The words by which a preference is named in rubrics, and in answers that meet it."""
    return " ".join(description.split()[:_NAMED_WORDS]).rstrip(".,;:")


def write_what_was_kept(messages: Sequence[ChatMessage]) -> str:
    """The end of an answer under a message of ours: what it asks for; empty under any other."""
    told = next((m["content"] for m in messages if _OPENING in m["content"]), "")
    wishes = told.partition(_OPENING)[2].partition(_CLOSING)[0].replace(NOTICE, "")
    sentences = [each for each in _SENTENCE_ENDS.split(wishes.strip()) if each]
    named = "; ".join(map(name_preference, sentences))
    return f"\n\nKept in mind: {named}." if named else ""


_SENTENCE_ENDS = re.compile(r"(?<=[.!?])\s+")
