"""What is wrong with a system message that a model made of four descriptions.

Most of it shows in the message alone. That it leaves out a description shows in words: each of the
four has some that the other three have not, and a message that takes it up has at least one.
"""

import re
from collections.abc import Sequence

from sysgen_dagster.chat.prompts import load_prompt
from sysgen_dagster.chat.words import count_words, english_length_of, list_stems, list_words
from sysgen_dagster.lanes.multifaceted.drop_reasons import Dropped
from sysgen_dagster.lanes.multifaceted.taxonomy import Taxonomy, label_of

PROMPT = load_prompt("multifaceted_preference_message")

# How an English reply begins that holds no message: it declines, after a sentence at most, or asks
# for what it was given.
_I = r"(?:i|we)"
_NOT = r"(?:ca|could|wo|do)n['\u2019]t|(?:can|could|will|do) ?not"
_WRITE = (
    r"(?:help|assist|write|create|provide|fulfil|comply|do |produce|generate|give|see|have|find"
    r"|continue|complete)"
)
_DECLINES = re.compile(
    r"\A\W*(?:"
    rf"(?:{_I}(?: am| are|['\u2019]m|['\u2019]re)(?: \w+)? )?(?:sorry|afraid)\b"
    rf"|(?:my |our |{_I} )?(?:sincere )?apolog|unfortunately\b|regrettably\b"
    r"|(?:please|(?:could|can) you)(?: please)? (?:provide|share|send|give|tell|show)(?: me)?"
    r"(?: with)?(?: \w+){1,3} (?:wish|description|preference)"
    r"|(?!you\b)(?:[^.!?\n]{0,120}[.!?]\s+)?(?:(?:but|however|so|and|as an? [^.,\n]{1,60}),? )?"
    rf"{_I} (?:(?:{_NOT}) (?:\w+ )?{_WRITE}|(?:must|have to) (?:decline|refuse)"
    rf"|(?:am|are) (?:unable|not able)))",
    re.IGNORECASE,
)
_OF_THE_TASK = re.compile(
    r"\b(?:four|4|given|provided|following|above) (?:wish(?:es)?|descriptions?|preferences?)\b"
    r"|\b(?:first|second|third|fourth) (?:wish|description)\b"
    r"|\bwishes (?:that )?(?:you|they|i) (?:provide|give|describe)"
    r"|\b(?:wishes|descriptions|preferences)"
    r" (?:given|provided|described|listed|outlined|mentioned|stated|above|below)\b"
    r"|\bwish(?:es)? \d",
    re.IGNORECASE,
)
_EVERYDAY = "style"  # the dimension whose name in the data is a word of sentences
_RUN = 8  # words: as many in a row are not the same by chance
_MOST_REPEATED = 0.1  # of the runs of a message
_SENTENCE_END = re.compile(r"[.!?\u3002\uff01\uff1f]+")
_FEWEST_WORDS = 4  # of a sentence that two authors of one message would not both write


def find_fault(
    message: str,
    descriptions: Sequence[str],
    labels: re.Pattern[str],
    characters: tuple[int, int],
) -> str | None:
    """Why a message cannot be used, a value of `Dropped`; None: it can.

    Args:
        message: As it was read of a reply.
        descriptions: What it was made of.
        labels: `label_pattern` of the taxonomy.
        characters: Fewest and most, of English text that says as much.
    """
    if _DECLINES.search(message):
        return Dropped.DECLINES.value
    if "\n" in message:
        return Dropped.NOT_ONE_PARAGRAPH.value
    if labels.search(message):
        return Dropped.NAMES_TAXONOMY.value
    if _OF_THE_TASK.search(message):
        return Dropped.SPEAKS_OF_TASK.value
    if {*_runs_of(message)} & _RUNS_OF_PROMPT:
        return Dropped.REPEATS_PROMPT.value
    if _repeats_itself(message):
        return Dropped.REPEATS_ITSELF.value
    shortest, longest = characters
    if not shortest <= english_length_of(message) <= longest:
        return Dropped.MESSAGE_LENGTH.value
    return Dropped.LEAVES_OUT_WISH.value if _leaves_out(message, descriptions) else None


def _repeats_itself(message: str) -> bool:
    sentences = [" ".join(list_words(each)) for each in _SENTENCE_END.split(message)]
    again = [each for at, each in enumerate(sentences) if each in sentences[:at]]
    runs = _runs_of(message)
    return len(runs) - len({*runs}) > _MOST_REPEATED * len(runs) or any(
        count_words(each) >= _FEWEST_WORDS for each in again
    )


def _leaves_out(message: str, descriptions: Sequence[str]) -> bool:
    """Whether a description has words that none of the others has, and the message none of them."""
    said, stems = list_stems(message), [list_stems(each) for each in descriptions]
    for at, own in enumerate(stems):
        alone = own.difference(*stems[:at], *stems[at + 1 :])
        if alone and alone.isdisjoint(said):
            return True
    return False


def _runs_of(text: str) -> list[tuple[str, ...]]:
    """Every `_RUN` words that follow each other."""
    words = list_words(text)
    return [*zip(*(words[start:] for start in range(_RUN)), strict=False)]


_RUNS_OF_PROMPT = {*_runs_of(PROMPT.fixed_text)}


def label_pattern(taxonomy: Taxonomy) -> re.Pattern[str]:
    """Finds names of the taxonomy that stand as names of categories and not as words of a sentence.

    Such are a dimension or subdimension with a colon at the beginning of a sentence, in brackets or
    emphasis of its own, or before "dimension" or "preference"; a dimension beside "category" or
    "axis"; two dimensions in one list; and names that no sentence has.
    """
    dimensions = [label_of(name).lower() for name in taxonomy]
    subdimensions = [name for names in taxonomy.values() for name in names]
    one = "|".join(sorted(map(re.escape, [*dimensions, *subdimensions]), key=len, reverse=True))
    of_four = "|".join(map(re.escape, dimensions))
    never = "|".join(re.escape(name) for name in taxonomy if name != _EVERYDAY)
    begins = r"(?:\A|(?<=\n)|(?<=[.!?;] ))\W{0,4}"
    category = r"(?:categor(?:y|ies)|dimensions?|ax[ei]s)"
    item = r"(?:,\s*(?:and |or )?[\w'-]+(?: [\w'-]+)?){0,4}"
    joins = r"\s*(?:,|\band|\bor|&|/|\bas well as)\s*(?:and |or )?"
    return re.compile(
        rf"{begins}(?:{one})\W{{0,3}}:"
        rf"|[(\[]\W{{0,3}}(?:{one})\W{{0,3}}[)\]]"
        rf"|\*\*?(?:{one}):?\*\*?"
        rf"|\b(?:{one})['\"]? (?:dimension|subdimension|preference)s?\b"
        rf"|\b(?:{of_four})['\"]? {category}\b"
        rf"|\b{category}(?: of| called| named|:)? \W{{0,2}}(?:{of_four})\b"
        rf"|\b(?:{of_four}){item}{joins}(?:{of_four})\b"
        rf"|\bsub-?dimensions?\b|\b(?:{never})\b",
        re.IGNORECASE,
    )
