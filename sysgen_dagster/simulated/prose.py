"""Phase 4: an answer to a question, in its language and of the length a profile asks for.

The first words of an answer, or the last ones of a refusal, say that it is simulated.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from random import Random

from sysgen_dagster.chat.tokens import CHARACTERS_PER_TOKEN
from sysgen_dagster.simulated.material import fill, load_material, pick
from sysgen_dagster.simulated.profiles import FailureProfile
from sysgen_dagster.simulated.reading import Domain, Subject

NOTICE = "(Simulated answer.)"

# Mean characters of question and original answer. Read off the paper's sources (its v1 Table 9):
# MetaMath and OrcaMath 214 to 239 and 498 to 878, Magicoder 653 and 1,552, Capybara 300 and 1,423.
_MEAN_LENGTHS = {Domain.MATH: (240, 700), Domain.CODE: (650, 1550)}
_OTHER_MEAN_LENGTHS = (300, 1400)
# The length of an answer grows with that of the question to this power: over public rows of such
# sources the exponent lies between 0.0 and 0.7.
_GROWTH = 0.3
# Characters that the same text takes in a language, by those it takes in English.
_DENSITY = {"zh": 0.35, "ja": 0.45, "ko": 0.5}
_SPREAD = 0.2  # standard deviation of the logarithm of an answer's length; our choice
_SENTENCES_A_PARAGRAPH = 4
_BETWEEN_SENTENCES = 2  # characters, about: a space, a line end or the number of a step
_LONGEST = 0.95  # of the token limit, so that only answers drawn as truncated reach it


def write_response(
    subject: Subject,
    profile: FailureProfile,
    rng: Random,
    max_tokens: int,
    original: float,
    result: str | None = None,
    *,
    is_wrong: bool = False,
) -> str:
    """An answer; longer than `max_tokens` allows when it is drawn as truncated.

    Args:
        subject: What it is about.
        profile: How often it fails, and how long it is by the original answer.
        rng: Draws what becomes of it and its words.
        max_tokens: Its limit.
        original: The characters of the original answer.
        result: The result to state, "" for none; None: one is made up.
        is_wrong: Whether Python in it does not parse.
    """
    outcome = rng.random()
    if outcome < profile.empty:
        return ""
    if outcome < profile.empty + profile.refused:
        return write_refusal(subject)
    limit = max_tokens * CHARACTERS_PER_TOKEN
    if outcome < profile.empty + profile.refused + profile.truncated:
        return _write_answer(subject, 1.2 * limit, rng, result, is_wrong=is_wrong)
    noise = rng.lognormvariate(-(_SPREAD**2) / 2, _SPREAD)
    wanted = original * profile.length_ratio * noise
    room = min(wanted, _LONGEST * limit)
    return _write_answer(subject, room, rng, result, is_wrong=is_wrong)


def write_refusal(subject: Subject) -> str:
    """A refusal in the question's language."""
    return f"{load_material('answers.yaml')[subject.language]['refusal']} {NOTICE}"


def estimate_original_length(subject: Subject) -> float:
    """A guess, from the question alone, of how many characters the original answer has."""
    question, answer = _MEAN_LENGTHS.get(subject.domain, _OTHER_MEAN_LENGTHS)
    density = _DENSITY.get(subject.language, 1)
    size = max(20, len(subject.question)) / (question * density)
    growth: float = min(2.0, size**_GROWTH)
    return answer * density * growth


def _write_answer(
    subject: Subject, length: float, rng: Random, result: str | None, *, is_wrong: bool
) -> str:
    """Opening, body and closing, together of about `length` characters."""
    answers = load_material("answers.yaml")
    material = answers[subject.language]
    sentences = material.get(subject.domain, material["general"])
    numbers = _find_numbers(subject.question, rng)

    def write(variants: Sequence[str], numbers: Mapping[str, str] = numbers) -> str:
        """One of the variants about one of the subject's topics."""
        topic = rng.choice(subject.topics) if subject.topics else ""
        return pick(variants, rng, {"topic": topic, **numbers})

    opening = [f"{NOTICE} {write(sentences['opening'])}"]
    if subject.domain is Domain.CODE:
        block = _write_code_block(answers["code_blocks"], subject, numbers)
        opening.append(block.replace("):", ":", 1) if is_wrong else block)
    stated = numbers if result is None else {**numbers, "sum": result}
    closing = write(sentences["closing"], stated)
    if subject.domain is Domain.MATH and "result" in material:
        closing = fill(material["result"], stated)
    if subject.domain is Domain.MATH and result == "":
        closing = write(material["general"]["closing"])
    room = length - sum(map(len, opening)) - len(closing)
    variants = _repeat(sentences["body"], rng)
    written = (write([each]) for each in variants if subject.topics or "{topic}" not in each)
    body = list(_take_sentences(room, written))
    return "\n\n".join([*opening, *_split_paragraphs(body, subject), closing])


def _repeat(variants: Sequence[str], rng: Random) -> Iterator[str]:
    """All variants in random order, again and again without end, shuffled anew each time."""
    while True:
        yield from rng.sample(variants, len(variants))


def _take_sentences(room: float, sentences: Iterator[str]) -> Iterator[str]:
    """Sentences until less than half of the next one fits into `room` characters."""
    for sentence in sentences:
        if room < len(sentence) / 2:
            return
        room -= len(sentence) + _BETWEEN_SENTENCES
        yield sentence


def _split_paragraphs(body: list[str], subject: Subject) -> list[str]:
    """The body as numbered steps for maths, otherwise as paragraphs of a few sentences."""
    if subject.domain is Domain.MATH:
        return ["\n".join(f"{number}. {step}" for number, step in enumerate(body, 1))]
    space = "" if subject.language in {"zh", "ja"} else " "
    size = _SENTENCES_A_PARAGRAPH
    return [space.join(body[at : at + size]) for at in range(0, len(body), size)]


_INTEGER = re.compile(r"\b\d{1,6}\b", re.ASCII)


def _find_numbers(question: str, rng: Random) -> dict[str, str]:
    """Two numbers of the question, or two random ones, and their sum."""
    numbers = [int(number) for number in _INTEGER.findall(question[:600])]
    first, second = rng.sample(numbers if len(numbers) > 1 else range(2, 100), 2)
    return {"a": str(first), "b": str(second), "sum": str(first + second)}


_CODE_LANGUAGES = (
    ("javascript", re.compile(r"\b(?:javascript|typescript|node\.js|react|html)\b")),
    ("java", re.compile(r"\bjava\b")),
    ("cpp", re.compile(r"c\+\+")),
)
_ASCII_WORD = re.compile(r"[a-z]+")


def _write_code_block(blocks: dict[str, str], subject: Subject, numbers: dict[str, str]) -> str:
    """A fenced function in the programming language of the question; Python for any other."""
    text = subject.question[:600].lower()
    language = next((name for name, word in _CODE_LANGUAGES if word.search(text)), "python")
    words = _ASCII_WORD.findall(subject.topics[0].lower()) if subject.topics else []
    return fill(blocks[language], {"name": "_".join(words[:3]) or "solve", **numbers})
