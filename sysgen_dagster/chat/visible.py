"""Whether a text shows anything: the one rule for what counts as an empty text."""

import unicodedata

# Blanks, line ends, control and format characters (zero-width space, byte order mark, soft hyphen,
# marks of direction), halves of characters, and marks that need a character to stand on.
_SHOW_NOTHING = frozenset({"Zs", "Zl", "Zp", "Cc", "Cf", "Cs", "Cn", "Mn", "Me"})
# Letters and symbols, for Unicode, that are drawn as nothing: the fillers of Hangul, a braille cell
# without dots, and a musical symbol without a head.
_BLANK_SIGNS = frozenset("\u115f\u1160\u3164\uffa0\u2800\U0001d159")


def is_blank(text: str | None) -> bool:
    """Whether a reader would see nothing of a text: it is null, empty or only invisible."""
    return not text or not any(map(_shows, text))


def _shows(sign: str) -> bool:
    if sign.isascii():
        return "!" <= sign <= "~"
    return sign not in _BLANK_SIGNS and unicodedata.category(sign) not in _SHOW_NOTHING
