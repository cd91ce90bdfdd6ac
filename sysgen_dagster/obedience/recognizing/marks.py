"""Language, letter case, punctuation and other signs."""

import re

from sysgen_dagster.obedience.recognizing.wording import (
    ANSWER,
    COUNT,
    DO,
    NO,
    NOT,
    TAIL,
    VAGUE,
    Clause,
    Make,
    count_rule,
    form,
    has,
    has_no,
    rule,
    subject,
)
from sysgen_dagster.obedience.rules import Recognized, Rule, RuleKind

# The codes of the detector's languages, by the names that messages use.
LANGUAGES = {
    **{"english": "en", "french": "fr", "german": "de", "spanish": "es", "italian": "it"},
    **{"portuguese": "pt", "dutch": "nl", "polish": "pl", "russian": "ru", "ukrainian": "uk"},
    **{"czech": "cs", "slovak": "sk", "hungarian": "hu", "romanian": "ro", "bulgarian": "bg"},
    **{"greek": "el", "turkish": "tr", "arabic": "ar", "hebrew": "he", "persian": "fa"},
    **{"farsi": "fa", "hindi": "hi", "urdu": "ur", "bengali": "bn", "punjabi": "pa"},
    **{"gujarati": "gu", "marathi": "mr", "tamil": "ta", "telugu": "te", "kannada": "kn"},
    **{"malayalam": "ml", "nepali": "ne", "thai": "th", "vietnamese": "vi", "korean": "ko"},
    **{"japanese": "ja", "chinese": "zh", "mandarin": "zh", "mandarin chinese": "zh"},
    **{"simplified chinese": "zh", "swedish": "sv", "danish": "da", "finnish": "fi"},
    **{"icelandic": "is", "estonian": "et", "latvian": "lv", "lithuanian": "lt"},
    **{"catalan": "ca", "georgian": "ka", "armenian": "hy", "swahili": "sw", "burmese": "my"},
    **{"indonesian": "id", "filipino": "tl", "tagalog": "tl", "esperanto": "eo", "latin": "la"},
    **{"irish": "ga", "welsh": "cy", "albanian": "sq", "british english": "en"},
    **{"american english": "en", "brazilian portuguese": "pt", "mexican spanish": "es"},
}
SPOKEN_LANGUAGE = rf"(?:the )?(?P<language>{'|'.join(sorted(LANGUAGES, key=len, reverse=True))})"
# What else may be asked of the language, and is not the language.
_MANNER = (
    r"(?P<vague>(?:(?:simple|plain|clear|formal|informal|everyday|fluent|natural|polite|standard"
    r"|correct|proper|modern|casual|good|easy|elegant|grammatical),? (?:and )?)*)"
)
_TO_USER = (
    r"(?: to (?:me|the user|users|the customer|customers|the student|students|them|him|her))?"
)


# Kinds of a language, which the detector does not tell from other kinds of it.
_VARIETIES = re.compile(r"british|american|brazilian|mexican|simplified")


def of_language(kind: RuleKind) -> Make:
    """Makes the rule about the language that a match of `SPOKEN_LANGUAGE` names."""
    return lambda found, _clause: Recognized(
        (Rule(kind, words=(LANGUAGES[found["language"]],)),),
        is_whole=not _VARIETIES.match(found["language"]) and not found.groupdict().get("vague"),
    )


def _no_language(found: re.Match[str], _clause: Clause) -> Rule | None:
    if _VARIETIES.match(found["language"]):
        return None
    return Rule(RuleKind.LANGUAGE, words=(LANGUAGES[found["language"]],), is_forbidden=True)


_LANGUAGES = (
    form(
        rf"(?:(?:{DO}|talk|explain everything|say everything)(?: {ANSWER})?{_TO_USER}"
        rf"(?: (?:in|using|only|entirely|exclusively|completely|solely))*|(?:only )?(?:in|using)"
        rf"(?: only)?) {_MANNER}{SPOKEN_LANGUAGE}(?: (?:language|only|words))*(?:, no other"
        rf" language is"
        rf" allowed)?{_TO_USER}{TAIL}",
        of_language(RuleKind.LANGUAGE),
    ),
    form(
        rf"(?:{NOT}(?:{DO}|talk)|avoid (?:using|answering|writing|replying|responding|speaking)"
        rf"|avoid)(?: {ANSWER})?{_TO_USER}(?: (?:in|using))? {SPOKEN_LANGUAGE}{TAIL}",
        _no_language,
    ),
    form(r"no other language (?:is allowed|be used)|no other languages", lambda *_: ()),
)
_LOWER = (
    r"(?:all |only |entirely in |in |in all |all in |in only |entirely )*(?:lower ?-?case"
    r"|small)(?: (?:letters|text|characters|only))*"
)
_UPPER = (
    r"(?:all |only |entirely in |in |in all |all in |in only |entirely )*(?:upper ?-?case|capital"
    r"|block|capitalized)(?: (?:letters|text|characters|only|english))+|(?:in )?all[ -]caps"
    r"|(?:in )?uppercase"
)
_CASES = (
    form(
        rf"(?:{DO}(?: {ANSWER})? )?(?:{_LOWER}){TAIL}|{NO} (?:capital|uppercase)(?: letters)?"
        rf"(?: are allowed| be used)?{TAIL}|{NOT}capitalize (?:any letters?|anything|any words?)",
        rule(RuleKind.CASE, "lower"),
    ),
    form(
        rf"(?:{DO}(?: {ANSWER})? )?(?:{_UPPER}){TAIL}|{NO} (?:lowercase|small) letters"
        rf"(?: are allowed| be used)?{TAIL}",
        rule(RuleKind.CASE, "upper"),
    ),
    form(
        rf"(?:{DO} )?(?:words (?:in|with) all capital letters|capitalized words|words in all"
        rf" caps)"
        rf"(?: appear)? {COUNT}(?: times)?{TAIL}",
        lambda found, _clause: count_rule(found, RuleKind.CAPITAL_WORDS),
    ),
    form(
        rf"(?:{DO} )?{COUNT} words (?:in|with) (?:all )?(?:capital letters|caps){TAIL}",
        lambda found, _clause: count_rule(found, RuleKind.CAPITAL_WORDS),
    ),
)
_SIGNS = {
    r"commas?": ",",
    r"exclamation (?:marks?|points?)": "!",
    r"semi-?colons?": ";",
    r"(?:em[ -]?dash(?:es)?)": "\u2014",
    r"(?:parenthes[ei]s|round brackets)": "()",
    r"colons?": ":",
    r"(?:quotation marks|quotes)": '"\u201c\u201d',
    r"asterisks?": "*",
    r"hash(?:tags?| signs?)": "#",
    r"question marks?": "?",
    r"(?:punctuation(?: marks?)?)": ".,;:!?",
}


def _no_signs(found: re.Match[str], _clause: Clause) -> Rule:
    names = re.split(r",? (?:or|and) (?:any )?|, ", found["signs"])
    signs = [sign for name in names for key, sign in _SIGNS.items() if re.fullmatch(key, name)]
    return Rule(RuleKind.SIGNS, most=0, words=tuple(dict.fromkeys("".join(signs))))


_ANY_SIGN = rf"(?:{'|'.join(_SIGNS)})"
_PUNCTUATION = (
    form(
        rf"{NO} (?P<signs>{_ANY_SIGN}(?:(?:, |,? (?:or|and) )(?:any )?{_ANY_SIGN})*){TAIL}",
        _no_signs,
    ),
    form(
        rf"{DO} {COUNT} (?P<sign>{_ANY_SIGN}){TAIL}",
        lambda found, _clause: count_rule(
            found,
            RuleKind.SIGNS,
            *next(sign for key, sign in _SIGNS.items() if re.fullmatch(key, found["sign"])),
        ),
    ),
    form(rf"{NO} (?:numerals|digits|arabic numerals){TAIL}", has_no(RuleKind.DIGITS)),
    form(rf"{NO} (?:contractions|contracted forms){TAIL}", has_no(RuleKind.CONTRACTIONS)),
    form(rf"{NO} emojis?{TAIL}", has_no(RuleKind.EMOJI)),
    form(
        rf"{DO} (?:some |at least one |an? |relevant |a few |fun |one or more )?emojis?{TAIL}",
        has(RuleKind.EMOJI),
    ),
    form(
        rf"{DO} {COUNT} emojis?{TAIL}",
        lambda found, _clause: count_rule(found, RuleKind.EMOJI),
    ),
    form(
        rf"{NOT}ask (?:any )?(?:follow-up |clarifying )?questions{_TO_USER}{TAIL}"
        rf"|{NO} questions{TAIL}",
        has_no(RuleKind.QUESTIONS),
    ),
    form(
        rf"ask (?:(?:the user|the student|the customer|them) )?{COUNT} {VAGUE}questions?{TAIL}",
        lambda found, _clause: count_rule(found, RuleKind.QUESTIONS),
    ),
)
SUBJECTS = (
    subject(
        rf"\b(?:{'|'.join(name for name in LANGUAGES if ' ' not in name)}|other)\b", *_LANGUAGES
    ),
    subject(r"\b(?:upper|lower|small|capital|block|caps\b)", *_CASES),
    subject(
        r"\b(?:numerals|digits|contract|emoji|questions?\b|commas?\b|exclamation|semi|colons?\b|em\b|em-"
        r"|emdash|parenthes|round|quotation|quotes|asterisk|hash|punctuation)",
        *_PUNCTUATION,
    ),
)
