"""Reads what a mark, such as a box, holds: a number, several, the letter of a choice, or a text."""

import re

from sysgen_dagster.obedience.maths_notation import (
    ABOUT,
    DOLLARS,
    LEAD,
    simplify_maths,
    squeeze_blanks,
)
from sysgen_dagster.obedience.number_words import spell_abbreviations
from sysgen_dagster.obedience.quantities import OPERATION, Quantity, read_quantity

# Longer texts are paragraphs and not answers.
LONGEST_ANSWER = 100

# A name of what is stated: "x = 3", "x_1 = 3".
_NAMED = re.compile(r"\b([a-z](?:_\{?\w\}?)?) ?=", re.IGNORECASE)
# A list of two numbers, or one number with a decimal comma.
_PAIR = re.compile(r"-?\d+,(?!\d{3}$)\d+")
# The letter of a choice, perhaps with what is chosen: "(B) 42", "option B".
_CHOICE = re.compile(
    r"(?:(?:option|choice) )?(?:\((?P<one>[a-h])\)|(?P<two>[a-h])[.):])(?: (?P<chosen>\w.*|\\.*))?"
    r"|(?:option|choice) (?P<three>[a-h])",
    re.IGNORECASE,
)
# Words in brackets that explain a number: "5 (five)", "5 students (3 boys and 2 girls)".
_EXPLAINED = re.compile(
    r"(?P<said>.*[^\W_]) ?\((?!mod|base)[^()]*[a-z]{2}[^()]*\)"
    r"|(?P<words>[a-z -]{3,}) \(-?[\d.,]+\)",
    re.IGNORECASE,
)
# Words after a number or formula, as of its unit: "12\\pi square centimeters".
_WORDS_AFTER = re.compile(
    rf"(?P<bare>.*?(?:[\d)}}\]]|\\pi))(?!{OPERATION})(?:/| )"
    r"(?!(?:and|or|to|if|for|in|of|mod|when|where|pi)\b)"
    r"[a-z][a-z'\u2019]+(?:[ /-][a-z'\u2019]+)*(?:\^[23])?",
    re.IGNORECASE,
)
# The left side of an equation that is to be solved, and does not only name or compute its right
# side: a letter alone with an operator or a function.
_LETTER = re.compile(r"(?<![a-z\\])[a-z](?![a-z])", re.IGNORECASE)
_OPERATOR = re.compile(r"[-+*/^|\d!<>]|\\(?!angle|triangle|overline)")


def read_answer(answer: str) -> Quantity | None:
    """An answer as it compares with others; None for empty or long texts."""
    plain = simplify_maths(answer)
    read = _read_one(plain, currency=bool(DOLLARS.search(answer)))
    if not read or _PAIR.fullmatch(plain):
        read = _read_several(answer, plain, read) or _read_equation(plain) or _read_text(plain)
    return read and read._replace(is_about=bool(ABOUT.search(answer)))


def _read_one(plain: str, *, currency: bool) -> Quantity | None:
    """A number, perhaps with an explanation, or a choice."""
    if choice := _CHOICE.fullmatch(plain):
        letter = choice["one"] or choice["two"] or choice["three"]
        chosen = read_answer(choice["chosen"] or "")
        return Quantity(letter.lower(), bare=(chosen.form,) if chosen else ())
    if explained := _EXPLAINED.fullmatch(plain):
        plain = explained["said"] or explained["words"]
    return read_quantity(plain, currency=currency)


def _read_several(answer: str, plain: str, number: Quantity | None) -> Quantity | None:
    if plain.startswith("\\pm") and (one := read_quantity(plain.removeprefix("\\pm").strip())):
        return join_answers([f"-{one.form}", one.form], ordered=False)
    names = _NAMED.findall(answer)
    parts = _split_list(plain)
    if len(parts) == 1 or not all(re.search(r"\d|\\", part) for part in parts):
        return None
    if len(set(names)) <= 1 or len({name[0] for name in names}) == 1:
        listed = join_answers([_read_part(part) for part in parts], ordered=False)
        if any(one.unit for one in map(read_quantity, parts) if one):
            # "5 students, 3 boys and 2 girls" may be one number and what it is made of.
            return Quantity(squeeze_blanks(plain), otherwise=listed)
        return listed and listed._replace(otherwise=number)
    if len(names) != len(parts) or len(set(names)) != len(parts):
        return None
    # Of several letters, each with its value: the point that they are in the order of the letters.
    values = [_read_part(part) for _, part in sorted(zip(names, parts, strict=True))]
    return Quantity(f"({','.join(values)})")


def _read_equation(plain: str) -> Quantity | None:
    """What the last equality sign of an answer gives; its equation else, where it may be that."""
    left, _, right = plain.rpartition("=")
    result = read_answer(right) if left and len(_split_list(plain)) == 1 else None
    if result and _LETTER.search(left) and _OPERATOR.search(left):
        whole = _read_text(plain)
        return whole and whole._replace(bare=(result.form,))
    return result


def _read_text(plain: str) -> Quantity | None:
    text = squeeze_blanks(plain)
    spelled = spell_abbreviations(plain, is_tight=True)
    words = _WORDS_AFTER.fullmatch(plain)
    said = words["bare"] if words else spelled
    bare = (_read_part(said),) if said != plain else ()
    return Quantity(text, None, bare) if 0 < len(text) <= LONGEST_ANSWER else None


def _read_part(plain: str) -> str:
    quantity = read_quantity(plain)
    return quantity.form if quantity else squeeze_blanks(plain)


def join_answers(forms: list[str], *, ordered: bool) -> Quantity | None:
    """Several answers as one; each counts once, in their order only where each has a name."""
    text = ",".join(forms if ordered else sorted(set(forms)))
    return Quantity(text) if len(text) <= LONGEST_ANSWER else None


def _split_list(plain: str) -> list[str]:
    """The answers of a list such as ``3, 5`` or ``x = 3 or x = 5``; no tuples and intervals."""
    if plain.startswith("{") and plain.endswith("}") and plain.count("{") == 1:
        plain = plain[1:-1]
    parts, depth, start = [], 0, 0
    for mark in re.finditer(r"[(\[{]|[)\]}]|, ?(?:and |or )?|; ?| (?:and|or) ", plain):
        if mark[0] in "([{":
            depth += 1
        elif mark[0] in ")]}":
            depth -= 1
        elif depth == 0:
            parts.append(plain[start : mark.start()])
            start = mark.end()
    parts.append(plain[start:])
    return [LEAD.sub("", part) for part in parts]
