"""What a request asks for: which of our prompts it is, and what the conversation is about."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from sysgen_dagster.chat.messages import ChatMessage, Role
from sysgen_dagster.lanes.sysgen import annotation, verification
from sysgen_dagster.obedience import alignment_judgement, preference_judgement
from sysgen_dagster.simulated.language import language_of, topics_of


class Phase(StrEnum):
    """What a model is called for: the phases, and the judges after them."""

    ANNOTATE = "1"
    VERIFY = "3"
    RESPOND = "4"
    JUDGE_PREFERENCE = "preference"
    JUDGE_ALIGNMENT = "alignment"


class Domain(StrEnum):
    """What a conversation is about, as far as the way of writing depends on it."""

    MATH = "math"
    CODE = "code"
    ROLEPLAY = "roleplay"
    WRITING = "writing"
    GENERAL = "general"


@dataclass(frozen=True, slots=True)
class Subject:
    """What there is to write about."""

    question: str
    answer: str  # the original one; empty in Phase 4, which does not see it
    language: str
    domain: Domain
    topics: tuple[str, ...]


_PROMPTS = {
    Phase.ANNOTATE: annotation.PROMPT,
    Phase.VERIFY: verification.PROMPT,
    Phase.JUDGE_PREFERENCE: preference_judgement.PROMPT,
    Phase.JUDGE_ALIGNMENT: alignment_judgement.PROMPT,
}
# The system message of each prompt, in which no input of the prompt stands.
INSTRUCTIONS = {
    phase: prompt.render(**dict.fromkeys(prompt.inputs, ""))[0]["content"]
    for phase, prompt in _PROMPTS.items()
}


def recognise(messages: Sequence[ChatMessage]) -> tuple[Phase, str]:
    """The phase of a request and the user's text without our instructions.

    The instructions may also stand at the beginning of the user turn, where they are put for a
    model without a system role. Whatever is none of our prompts is a question to answer.
    """
    users = [message["content"] for message in messages if message["role"] == Role.USER]
    first, last = (users[0], users[-1]) if users else ("", "")
    system = next((m["content"] for m in messages[:1] if m["role"] == Role.SYSTEM), "")
    for phase, instructions in INSTRUCTIONS.items():
        if system.startswith(instructions):
            return phase, first
        if first.startswith(instructions):
            return phase, first[len(instructions) :].strip()
    return Phase.RESPOND, last


def subject_of_annotation(turn: str) -> Subject:
    """The subject of the conversation that stands in a Phase 1 user turn."""
    said = [(match[1], match[3]) for match in _TURN.finditer(turn)]
    question = next((text for role, text in said if role == Role.USER), turn)
    answers = [text for role, text in said if role == Role.ASSISTANT]
    return subject_of(question, answers[-1] if answers else "")


def subject_of(question: str, answer: str = "") -> Subject:
    """The subject of a question, and of its answer where that is known."""
    language = language_of(question)
    topics = topics_of(question, language)
    return Subject(question, answer, language, domain_of(question), topics)


# A text cannot hold its own mark, so the first line that closes it is the one.
_TURN = re.compile(
    r"^\[(system|user|assistant), (\w+)\]\n(.*?)\n\[end of \1, \2\]$", re.MULTILINE | re.DOTALL
)


# One of these is enough to call a question one of code, or else two different ones of the next.
_CODE = re.compile(
    r"```|#include|c\+\+|c#|\b[a-z]{3,}\(\)|\b(?:code|python|javascript|typescript|java|html|css|"
    r"\w*sql|php|bash|regex|json|api|algorithm|programming|arrays?|for loop|data structure|"
    r"linked list|shell script|def \w+|function (?:that|to|in|named|called|which)|"
    r"program (?:that|to|in|which)|[a-z]{3,}_[a-z]{3,})\b"
)
_MAYBE_CODE = re.compile(
    r"\b(?:string|list|class|variable|object|method|database|query|application|software|input|"
    r"output|implement|compiler?|loop|matrix|boolean|framework|app|tensorflow|program|print|sort)\b"
)
_ROLEPLAY = re.compile(
    r"^\W*(?:you are (?!given|tasked|asked|required|to )|you're|imagine|assume|pretend|act as|"
    r"acting as|as an? \w+|play the|suppose you are|take on the|adopt the|speak as|"
    r"from the perspective)|\b(?:role of|in the voice of)\b"
)
_COUNTING = re.compile(
    r"\bhow (?:many|much|far|long|old)\b|\b(?:calculate|compute|solve|percent|equation|integers?|"
    r"triangles?|polynomial|probability|average|twice|half|degrees|square|factor|product)\b|"
    r"\\[a-z]+|value of|[=+*/^%$]|\d+"
)
_WRITING = re.compile(
    r"^\W*(?:please |can you |could you )?(?:write|compose|draft|rewrite|summari[sz]e|paraphrase|"
    r"edit|proofread)\b|\b(?:write|compose|draft|create|generate|give me) .{0,40}\b(?:story|poem|"
    r"haiku|essay|letter|e-?mail|article|blog|speech|lyrics|slogan|headline|tweet|dialogue)\b"
)


def domain_of(question: str) -> Domain:
    """The domain of a question, by the words and signs at its beginning."""
    text = question[:1500].lower()
    is_formula = "$" in text and "\\" in text
    if not is_formula and (_CODE.search(text) or len(set(_MAYBE_CODE.findall(text))) > 1):
        return Domain.CODE
    if _ROLEPLAY.search(text[:200]):
        return Domain.ROLEPLAY
    if _WRITING.search(text[:300]):
        return Domain.WRITING
    if len(_COUNTING.findall(text)) > 1:
        return Domain.MATH
    return Domain.GENERAL
