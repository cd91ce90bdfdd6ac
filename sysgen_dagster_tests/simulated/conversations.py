"""Synthetic conversations and the requests of the three phases; the same ones on every run."""

import json
from collections.abc import Iterator

from sysgen_dagster.chat.messages import ChatMessage, Role
from sysgen_dagster.chat.prompts import Prompt, separating_mark
from sysgen_dagster.lanes.sysgen import annotation, verification
from sysgen_dagster.lanes.sysgen.tags import (
    Phrase,
    Tag,
    render_system_message,
    render_tagged_message,
)
from sysgen_dagster.simulated.protocol import ChatRequest, parse_chat_request

# {n} and {m} are numbers. The third row holds calculator marks, the last one a tag's mark.
_ROWS = (
    (
        "A farmer packs {n} crates with {m} melons each. How many melons are that in total?",
        "Each crate holds {m} melons, so there are {n} times {m} of them.",
    ),
    (
        "Solve $x + {n} = {m}$ for $x$ and show how the equation is rearranged step by step.",
        "Subtracting {n} on both sides gives the value of $x$.",
    ),
    (
        "Lena reads {n} pages a day. How many pages does she read in {m} days?",
        "She reads {n}*{m} = <<{n}*{m}=0>> pages. #### {m}",
    ),
    (
        "Write a Python function that returns every {n}th entry of a list, with {m} as default.",
        "```python\ndef pick(entries, step={n}):\n    return entries[::step]\n```",
    ),
    (
        "Imagine you are a lighthouse keeper in 18{m}. Tell me about your longest night.",
        "The lamp went out {n} times, and I climbed the stairs each time.",
    ),
    (
        "Write a story about an old bridge that {n} people try to save.",
        "The bridge had stood for {m} years when the letter came.",
    ),
    (
        "Why do migrating birds fly in a wedge, even in groups of {n}?",
        "They save energy; in trials about {m} percent of it.",
    ),
    (
        "What does the mark <<Role>> mean in note {n}? And <</Task>> or << in C++ line {m}?",
        "The mark <<Role>> opens a phrase; <<Content>> is another. It occurs {n} times.",
    ),
)


# A question in each of the nine languages that the model writes.
QUESTIONS = {
    "es": "¿Cuál es la capital de Francia y por qué es famosa?",
    "de": "Warum ist der Himmel blau? Erkläre es mir bitte einfach.",
    "fr": "Pourquoi le ciel est bleu pendant la journée ?",
    "ko": "하늘은 왜 파란색인가요? 쉽게 설명해 주세요.",
    "zh": "为什么天空是蓝色的？请用简单的话解释。",  # noqa: RUF001 - Chinese punctuation
    "ru": "Почему небо голубое? Объясни простыми словами.",
    "ar": "لماذا السماء زرقاء؟ اشرح ببساطة.",
    "ja": "空はなぜ青いのですか。簡単に説明してください。",
    "en": "Translate the word 하늘 and explain why the sky is blue in your own words.",
}


def conversations(count: int) -> Iterator[tuple[str, str]]:
    """That many pairs of question and answer, all different."""
    for number in range(count):
        question, answer = _ROWS[number % len(_ROWS)]
        numbers = {"{n}": str(number // len(_ROWS) + 2), "{m}": str(number % 89 + 10)}
        for slot, value in numbers.items():
            question, answer = question.replace(slot, value), answer.replace(slot, value)
        yield question, answer


def request(messages: list[ChatMessage], max_tokens: int = 512, **fields: object) -> ChatRequest:
    """The parsed request of a pipeline that sends these messages."""
    body = {"model": "m", "messages": messages, "temperature": 0.7, "max_tokens": max_tokens}
    return parse_chat_request(json.dumps(body | fields))


def annotate_messages(
    question: str, answer: str, prompt: Prompt = annotation.PROMPT
) -> list[ChatMessage]:
    """What Phase 1 sends."""
    turns = [chat_message(Role.USER, question), chat_message(Role.ASSISTANT, answer)]
    return prompt.render(mark=separating_mark([question, answer]), messages=turns)


def verify_messages(phrases: list[Phrase]) -> list[ChatMessage]:
    """What Phase 3 sends."""
    texts = {
        "system_message": render_system_message(phrase.text for phrase in phrases),
        "tagged_message": render_tagged_message(phrases),
    }
    return verification.PROMPT.render(mark=separating_mark(texts.values()), **texts)


def respond_messages(question: str, system_message: str = "Be brief.") -> list[ChatMessage]:
    """What Phase 4 sends."""
    return [chat_message(Role.SYSTEM, system_message), chat_message(Role.USER, question)]


def folded(messages: list[ChatMessage]) -> list[ChatMessage]:
    """The same request for a model that has no system role."""
    system, user, *others = messages
    return [chat_message(Role.USER, f"{system['content']}\n\n{user['content']}"), *others]


def chat_message(role: Role, content: str) -> ChatMessage:
    """One chat message."""
    return {"role": role, "content": content}


def one_phrase_of(*tags: Tag) -> list[Phrase]:
    """A short phrase for each of the tags."""
    return [Phrase(tag, f"This serves {tag.lower()}.") for tag in tags]
