"""What a request asks for: which of our prompts it holds, and what its conversation is about."""

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum

from sysgen_dagster.chat.messages import ChatMessage, Role
from sysgen_dagster.chat.prompts import PromptError, forget_prompts, own_folder
from sysgen_dagster.evaluation.nemotron_sysbench import grading as questions
from sysgen_dagster.evaluation.sysbench import grading as checklists
from sysgen_dagster.evaluation.sysbench import translation
from sysgen_dagster.lanes.multifaceted import (
    pair_judgement,
    preference_messages,
    preference_sets,
)
from sysgen_dagster.lanes.multifaceted.bench import rubrics as bench_rubrics
from sysgen_dagster.lanes.sysgen import annotation, verification
from sysgen_dagster.obedience import (
    alignment_judgement,
    phrase_judgement,
    preference_judgement,
    rubric_grading,
)
from sysgen_dagster.simulated.language import detect_language, find_topics


class Phase(StrEnum):
    """What a request is for: a phase of the first lane, a step of the second, or another task."""

    ANNOTATE = "1"
    VERIFY = "3"
    RESPOND = "4"  # the answers of the second lane, too
    WRITE_SET = "preference_set"
    WRITE_MESSAGE = "preference_message"
    WRITE_RUBRIC = "bench_rubric"
    JUDGE_PAIR = "pair"
    JUDGE_PREFERENCE = "preference"
    JUDGE_ALIGNMENT = "alignment"
    JUDGE_OBEDIENCE = "obedience"
    JUDGE_RUBRIC = "rubric"
    JUDGE_CHECKLIST = "checklist"
    JUDGE_QUESTIONS = "questions"
    TRANSLATE = "translation"


class Domain(StrEnum):
    """The kind of a conversation; answers and system messages are written differently for each."""

    MATH = "math"
    CODE = "code"
    ROLEPLAY = "roleplay"
    WRITING = "writing"
    GENERAL = "general"


@dataclass(frozen=True, slots=True)
class Subject:
    """What an answer or a system message is written about."""

    question: str
    answer: str  # the original one; empty in Phase 4, which does not see it
    language: str
    domain: Domain
    topics: tuple[str, ...]


_PROMPTS = (
    *((Phase.ANNOTATE, prompt) for prompt in annotation.PROMPTS.values()),
    (Phase.VERIFY, verification.PROMPT),
    (Phase.WRITE_SET, preference_sets.PROMPT),
    (Phase.WRITE_MESSAGE, preference_messages.PROMPT),
    (Phase.WRITE_RUBRIC, bench_rubrics.PROMPT),
    (Phase.JUDGE_PAIR, pair_judgement.PROMPT),
    (Phase.JUDGE_PREFERENCE, preference_judgement.PROMPT),
    (Phase.JUDGE_ALIGNMENT, alignment_judgement.PROMPT),
    (Phase.JUDGE_OBEDIENCE, phrase_judgement.PROMPT),
    (Phase.JUDGE_RUBRIC, rubric_grading.PROMPT),
    (Phase.JUDGE_CHECKLIST, checklists.PROMPT),
    (Phase.JUDGE_QUESTIONS, questions.PROMPT),
    (Phase.TRANSLATE, translation.PROMPT),
)
# What has told the prompts apart so far: instructions, in which no input of a prompt stands, and
# the last line. They may be edited while the server runs, and requests of both wordings may come.
_SEEN: dict[str, tuple[Phase, str]] = {}
_looked_at: list[tuple[str, int, int]] | None = None  # the files of the last look


def recognise(messages: Sequence[ChatMessage]) -> tuple[Phase, str]:
    """The phase of a request and the user's text without our instructions.

    The instructions are the system message, or the beginning of the first user turn for a model
    without a system role. Of turns that end as the prompt does, those before the last are
    demonstrations. A request with none of our prompts counts as a question to answer.
    """
    users = [message["content"] for message in messages if message["role"] == Role.USER]
    first, last = (users[0], users[-1]) if users else ("", "")
    system = next((m["content"] for m in messages[:1] if m["role"] == Role.SYSTEM), "")
    for instructions in _instructions_in(system, first):
        phase, closing_line = _SEEN[instructions]
        asked = [turn for turn in users if turn.endswith(closing_line)] or [first]
        return phase, asked[-1].removeprefix(instructions).strip()
    return Phase.RESPOND, last


def _instructions_in(*beginnings: str) -> list[str]:
    """The instructions of ours with which one of the texts begins, if one does."""
    for _ in range(2):
        held = [each for each in _SEEN if any(text.startswith(each) for text in beginnings)]
        if held:
            return [max(held, key=len)]
        if not _notice_edits():
            break
    return []


def _notice_edits() -> bool:
    """Whether the prompts were read, because files of the deployment's own have changed."""
    global _looked_at
    folder = own_folder()
    files = [(path, path.stat()) for path in sorted(folder.glob("*")) if path.is_file()]
    shown = [(str(path), stat.st_mtime_ns, stat.st_size) for path, stat in files]
    if shown == _looked_at:
        return False
    _looked_at = shown
    forget_prompts()
    for phase, prompt in _PROMPTS:
        # Who asks with a wrong one is told so; the server answers the others meanwhile.
        with suppress(PromptError):
            _SEEN[prompt.instructions] = (phase, prompt.closing_line)
    return True


def read_annotated_subject(turn: str) -> Subject:
    """The subject of the conversation that stands in a Phase 1 user turn."""
    turns = split_marked_texts(turn)
    question = next((text for role, text in turns if role == Role.USER), turn)
    answers = [text for role, text in turns if role == Role.ASSISTANT]
    return read_subject(question, answers[-1] if answers else "")


def read_subject(question: str, answer: str = "") -> Subject:
    """The subject of a question, and of its answer where that is known."""
    language = detect_language(question)
    topics = find_topics(question, language)
    return Subject(question, answer, language, detect_domain(question), topics)


# A text never contains its own mark, so the first closing line with the mark ends it.
_MARKED_TEXT = re.compile(
    r"^\[([a-zA-Z0-9 ]+), (\w+)\]\n(.*?)\n\[end of \1, \2\]$", re.MULTILINE | re.DOTALL
)


def split_marked_texts(turn: str) -> list[tuple[str, str]]:
    """The name and the text of each part that stands between marked lines in a user turn."""
    return [(match[1], match[3]) for match in _MARKED_TEXT.finditer(turn)]


# A question is about code if it has one of these, or two different words of `_MAYBE_CODE`.
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


def detect_domain(question: str) -> Domain:
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
