"""Finds the verdict that a judge's reply states, however the judge has dressed it.

A judge is asked for a reason and a last line such as ``Verdict: A``. Models write it in bold, in a
heading, as JSON, in a tag or a box, as a sentence or in another language, or take it back in the
next words. A reply is read where its words claim exactly one verdict; all else is unread.

Belongs here: where the verdict stands. Does not: the words that claim it (`verdict_clauses`).
"""

import re
import unicodedata
from collections.abc import Iterator

from sysgen_dagster.chat.completions import CUT
from sysgen_dagster.obedience.qualified_verdicts import (
    names_the_worse,
    qualifies,
    takes_from,
    turns,
)
from sysgen_dagster.obedience.reply_parts import CROSS, settled
from sysgen_dagster.obedience.retractions import takes_back
from sysgen_dagster.obedience.verdict_clauses import Clause, Vocabulary, any_of, denies
from sysgen_dagster.obedience.verdict_headings import heads_another

# The longest text that is looked at, from its end; replies are cut at a tenth of it.
_LONGEST = 20_000

_KEYS = (
    r"(?:final[_ -]?|overall[_ -]?)?"
    r"(?:verdict|judge?ment|decision|answer|choice|winner|preference|preferred|better|best|result"
    r"|final|conclusion|label|alignment)(?:[_ -]?(?:answer|response|verdict))?"
)
# By line: a value of JSON, YAML or Python; a tag, also in square brackets; a box; brackets.
_MARKED = re.compile(
    rf"[\"']{_KEYS}[\"']\s{{0,8}}[:=]\s{{0,8}}[\"'](?P<value>[^\"'\n]{{1,200}})[\"']"
    rf"|<(?P<tag>{_KEYS})>\s{{0,8}}(?P<inside>[^<>]{{1,200}}?)\s{{0,8}}</(?P=tag)>"
    rf"|\[(?P<square>{_KEYS})\]\s{{0,8}}(?P<within>[^\[\]]{{1,200}}?)\s{{0,8}}\[/(?P=square)\]"
    r"|\\boxed\s?\{(?P<box>(?:[^{}\n]|\\?\{[^{}\n]{0,80}\}){1,120})\}"
    r"|\[\[(?P<double>[^\[\]\n]{1,40})\]\]",
    re.I,
)
# Marks of chat templates; an answer in angle brackets, which is no tag; signs like letters.
_NOISE = re.compile(r"<\|[^|<>\n]{0,40}\|>|\ufe0f")
_NOT_A_TAG = re.compile(r"<([AB])>(?![^\n]{0,200}</\1>)")
_SIGNS = str.maketrans({"\U0001f170": "A", "\U0001f171": "B"})
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_COMMAND = re.compile(r"\\[a-z]{2,14}\s?(?=\{)|\\[()\[\]]")
_TAG = re.compile(
    r"</?(?:b|i|u|em|strong|p|br|h[1-6]|span|div|code|li|ul|ol|center|mark|s)\s?/?>", re.I
)
_CJK = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
_BESIDE_CJK = re.compile(rf"(?<=[{_CJK}])(?=[A-Za-z])|(?<=[A-Za-z])(?=[{_CJK}])")
# Letters of other scripts that look like A and B, or stand where these do, as words of their own.
_LOOKALIKES = (
    (re.compile(r"\b[\u0410\u0430\u0391\u03b1]\b"), "A"),
    (re.compile(r"\b[\u0411\u0431\u0412\u0432\u0392\u03b2]\b"), "B"),
)
# Emphasis, quotes, brackets and the signs before a line: a heading, a quotation, a list.
_DRESS = re.compile(
    r"[*`~$|\"\u00ab\u00bb\u300c\u300d\u300e\u300f\u3010\u3011]"
    r"|^[\s>#+\u2022\u25cf\u25aa\u27a4\u2794\u2705-]+|(?<!\w)'|'(?!\w)"
)
_CLOSING = re.compile(r"</[\w -]{1,20}>")
_BRACKETS = str.maketrans("{}[]", "()()")
_UNTICKED = re.compile(r"\(\s?\)")
_SPEAKS_AGAINST = re.compile(rf"(?<!\w){any_of('worse', 'not_aligned')}(?!\w)")
_BRACKETED = re.compile(r"<\s?(/?[\w ]{1,20})\s?>")

_BEFORE = rf"(?:\d{{1,2}}[.)]\s?)?(?:{any_of('before_label')}\s?){{0,4}}"
# Of what the verdict is, since one on style would be another; what may stand in brackets behind it.
_CASE = (
    rf"(?:{any_of('nouns')}|this|the|these|both|two|all|a|b|and|or|vs\.?|pair|question|comparison"
    r"|task|prompt|instruction|conversation|message|system|user|case|example|item|row|new|\#?\d+)"
)
_CHOICES = rf"(?:{any_of('before_label')}|a|b|or|tie|aligned|not aligned|unknown)"
_AFTER = (
    rf"\)?(?:\s?\((?:{_CHOICES}[\s,/|]*){{1,8}}\))?"
    r"(?P<mark>\s?(?:[-=]>|[:=\u2192]|[-\u2013\u2014]\s|(?:is|was|ist|est|es|\u00e9|\u00e8)\b|[\u662f\u306f\u4e3a\u70ba])"
    rf"|\s(?:for|on|of|about|in|between)\s(?:{_CASE}s?(?:'s)?[\s,/]*){{1,8}}:)?[\s:]{{0,8}}"
)
_LABELS = tuple(
    re.compile(rf"\W{{0,16}}{_BEFORE}{any_of(kind)}(?!\w){_AFTER}")
    for kind in ("labels", "weak_labels")
)
# A label within a line begins a line of its own.
_INLINE = re.compile(
    rf"(?:(?<=[.!?;)\u3002\uff01])\s?|(?<=,)\s(?=(?:so|thus|hence|therefore|my)\b)|(?<=[,{{])\s)"
    rf"(?={_BEFORE}{any_of('labels')}(?:\s?[:=]|\sis\b))"
)
_CLAUSE = re.compile(
    r"(?P<words>(?:[^.!?,;:()/\n\u2014\u2013\u3001\u3002]|(?<=\d)/)*?)"
    r"(?P<end>$|\)\s?:|[.!?,;:()\n\u2014\u2013\u3001\u3002]|(?<!\d)/|/(?!\d)|\s-{1,2}\s|[-=]>|\u2192|\s?=(?=\s?(?:false|no|null|0)(?!\w))|\s(?=but\s|or\s|however\s)|(?<=\sor)\s)"
)
_JOINS = re.compile(r"^(?:but|or|however)\s")
_ENDS_SENTENCE = frozenset(".!?\n\u3002")
_UNDECIDED = re.compile(
    r"^(?:anything|everything|all|nothing|[c-z])$"
    r"|\b(?:it depends|depends on|unclear|undecided|hard to (?:say|tell)"
    r"|(?:can ?not|can't) (?:say|tell|decide|choose|compare|judge)"
    r"|either (?:way|one|is fine|is good|works|would do|will do)"
    r"|unable to|refuse|no verdict|not possible|impossible)\b"
)
_FEW_WORDS = 2  # between two labels, such as "or", do not part them
_WORD = re.compile(r"\w")


def read_verdict(text: str, vocabulary: Vocabulary, finish_reason: str | None) -> str | None:
    """The name of the verdict that a judge's reply plainly states; None where it states none.

    The last label counts, because a judge may quote verdicts before it. If several labels follow
    each other directly and differ, if the words behind the verdict claim another one or take it
    back, or if it holds in some cases only, the reply is unread. So is one that reached the token
    limit: what looks like its verdict was followed by more, or is half a sentence.
    """
    if finish_reason == CUT:
        return None
    lines = _plain_lines(text, vocabulary)
    for label in _LABELS:
        found = _labelled(lines, label, vocabulary)
        if found:
            return _weigh_labelled(found, vocabulary)
    return _weigh_unlabelled(lines, vocabulary)


def _plain_lines(text: str, vocabulary: Vocabulary) -> list[str]:
    """The lines that hold a word, in lower case, without dress; what is marked is on its own."""
    text = settled(text[-_LONGEST:]).translate(_SIGNS)
    text = unicodedata.normalize("NFKC", text).replace("\u2019", "'")
    text = _NOT_A_TAG.sub(r"\1", _NOISE.sub("", text).replace("_", " "))
    text = _CAMEL.sub(" ", _COMMAND.sub("", _TAG.sub("", text)))

    def on_its_own_line(found: re.Match[str]) -> str:
        value = next(
            each for each in found.group("value", "inside", "within", "box", "double") if each
        )
        is_named = found["box"] is None and found["double"] is None
        bare = value.strip(" {}\\$.*`").lower()
        if is_named or vocabulary.read(bare, begins_sentence=True).claims:
            return f"\nverdict: {value}\n"
        return value

    text = _BESIDE_CJK.sub(" ", _CLOSING.sub("", _MARKED.sub(on_its_own_line, text)))
    for letters, letter in _LOOKALIKES:
        text = letters.sub(letter, text)
    text = "".join(each for each in text if each == CROSS or unicodedata.category(each) != "So")
    dressed = (
        _BRACKETED.sub(r" \1 ", _DRESS.sub("", line).translate(_BRACKETS))
        for line in text.splitlines()
    )
    lines = (" ".join(line.lower().split()) for line in dressed)
    split = (part for line in lines for part in _INLINE.sub("\n", line).split("\n"))
    return [
        _with_denial(line, vocabulary)
        for line in split
        if _WORD.search(line) and not _is_unticked(line)
    ]


def _is_unticked(line: str) -> bool:
    """Whether a line is a choice with an empty box; brackets around a labelled one are dress."""
    found = (label.match(line) for label in _LABELS)
    return bool(_UNTICKED.search(line)) and not any(label and label["mark"] for label in found)


def _with_denial(line: str, vocabulary: Vocabulary) -> str:
    """A line without crosses, and a doubt behind a claim that they deny."""
    if CROSS not in line:
        return line
    line = " ".join(line.replace(CROSS, " ").split())
    said = (vocabulary.read(words, begins_sentence=True) for words, *_ in _clauses(line))
    is_claim = not _SPEAKS_AGAINST.search(line) and any(each.claims for each in said)
    return f"{line}, or not" if is_claim else line


def _labelled(
    lines: list[str], label: re.Pattern[str], vocabulary: Vocabulary
) -> list[tuple[str, list[str]]]:
    """What stands behind each label: the rest of its line or the next line, and the lines after."""
    starts: list[tuple[int, int]] = []
    for number, line in enumerate(lines):
        found = label.match(line)
        if not found:
            continue
        rest = line[found.end() :]
        if found["mark"] or not _WORD.search(rest) or _weigh([rest], vocabulary)[0]:
            starts.append((number, found.end()))
    ends = [*(number for number, _ in starts[1:]), len(lines)][: len(starts)]
    statements = []
    for (number, begin), end in zip(starts, ends, strict=True):
        said = [
            line for line in (lines[number][begin:], *lines[number + 1 : end]) if _WORD.search(line)
        ]
        statements.append((said[0] if said else "", said[1:]))
    return statements


def _weigh_labelled(found: list[tuple[str, list[str]]], vocabulary: Vocabulary) -> str | None:
    statement, behind = found[-1]
    verdict, _ = _weigh([statement], vocabulary)
    if verdict is None or _weigh([statement, *behind], vocabulary)[0] != verdict:
        return None
    for earlier, between in reversed(found[:-1]):
        if sum(len(line.split()) for line in between) > _FEW_WORDS:
            break
        if earlier and _weigh([earlier], vocabulary)[0] != verdict:
            return None
    return verdict


def _weigh_unlabelled(lines: list[str], vocabulary: Vocabulary) -> str | None:
    """The verdict of a reply without a label: in its last line, or in its first and no other."""
    if not lines:
        return None
    last, is_conclusive = _weigh(lines[-1:], vocabulary, last_counts=True)
    if (
        len(lines) > 1
        and heads_another(lines[-2], "\n")
        and not _weigh(lines[-2:-1], vocabulary)[0]
    ):
        last = None
    over_all, _ = _weigh(lines, vocabulary)
    if last and (is_conclusive or over_all == last):
        return last
    is_bare = last if len([*_clauses(lines[-1])]) == 1 else None
    if is_bare and not any(_weigh([line], vocabulary)[0] and len(line) < 30 for line in lines[:-1]):
        return is_bare
    first, _ = _weigh(lines[:1], vocabulary)
    return first if first == over_all else None


def _weigh(
    lines: list[str], vocabulary: Vocabulary, *, last_counts: bool = False
) -> tuple[str | None, bool]:
    """The one verdict that the lines claim, and whether a conclusion says so.

    Args:
        lines: In lower case.
        vocabulary: The verdicts.
        last_counts: Whether a conclusion may claim another verdict than the words before it.
    """
    claimed, concludes, follows_lead = None, False, False
    sentences, sign, before = 0, "", ""  # that begin behind the claim; what precedes a clause
    for words, end, begins in _clauses("\n".join(lines)):
        clause = _JOINS.sub("", words).removesuffix(" or")
        sentences += begins
        is_behind = sentences == 0 or (sentences == 1 and begins and turns(words))
        if claimed and is_behind and qualifies(words, claimed, follows_sign=sign != " "):
            return None, False
        if (sign == "claim" and denies(words)) or (end == ":" and names_the_worse(clause)):
            return None, False
        is_of_another = heads_another(before, sign)
        sign, before = end, words
        said = vocabulary.read(clause, begins_sentence=begins)
        is_taken_back = said.takes_back or takes_back(words) or said.denies == claimed
        if said.spoils or (claimed and is_taken_back):
            return None, False
        if not said.claims and (_UNDECIDED.search(clause) or _takes_from(clause, said, claimed)):
            return None, False
        is_conclusive, follows_lead = said.is_conclusive or follows_lead, said.is_conclusive
        differs = said.claims not in (None, claimed) and claimed is not None
        if (end == "?" and said.claims) or (
            differs and (is_of_another or not (last_counts and is_conclusive))
        ):
            return None, False
        if said.claims is None or is_of_another:
            continue
        claimed, concludes = said.claims, concludes or is_conclusive
        sentences, sign = 0, "claim"
    return claimed, concludes


def _takes_from(clause: str, said: Clause, claimed: str | None) -> bool:
    return claimed is not None and said.denies is None and takes_from(clause, claimed)


def _clauses(text: str) -> Iterator[tuple[str, str, bool]]:
    """Each clause, the sign that ends it, and whether it begins a sentence."""
    begins = True
    for found in _CLAUSE.finditer(text):
        clause, end = found["words"].strip(" <>#"), found["end"].strip(" ") or found["end"]
        if clause:
            yield clause, end, begins
        if clause or end in _ENDS_SENTENCE:
            begins = end in _ENDS_SENTENCE
