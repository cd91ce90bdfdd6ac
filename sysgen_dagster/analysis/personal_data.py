"""Personal data and secrets in texts: counted by kind and column; the texts are not changed.

The patterns are strict, because maths is full of numbers: checksums must be right (ISO/IEC 7812 for
cards, ISO 13616 for IBAN), and telephone numbers must be international or North American and
formatted as such. Data that is reserved for examples is not counted: the domains of RFC 2606,
addresses that are private or for documentation (the IANA registries), telephone numbers with 555,
published test numbers, and the placeholders of textbooks (``john@company.com``,
``user:password``).
"""

import ipaddress
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import polars as pl

from sysgen_dagster.analysis.tables import PERSONAL_DATA

_PLACEHOLDER_DOMAINS = frozenset(
    {
        *("example", "test", "invalid", "localhost", "local", "sample", "domain", "yourdomain"),
        *("mydomain", "company", "yourcompany", "mycompany", "email", "website", "somewhere"),
    }
)
_PLACEHOLDER_PASSWORDS = frozenset({"password", "pass", "passwd", "pwd", "secret", "pw", "token"})
# Test numbers published by card schemes and banks, and IBANs of textbooks.
_TEST_CARDS = frozenset(
    {
        *("4111111111111111", "4242424242424242", "4012888888881881", "5555555555554444"),
        *("5105105105105100", "378282246310005", "371449635398431", "6011111111111117"),
        "6011000990139424",
    }
)
_TEST_IBANS = frozenset(
    {"GB82WEST12345698765432", "GB29NWBK60161331926819", "DE89370400440532013000"}
)
# Printed on wallet inserts and in leaflets of the Social Security Administration, and 123456789.
_TEST_SSNS = frozenset({"078-05-1120", "219-09-9999", "123-45-6789"})


@dataclass(frozen=True, slots=True)
class _Kind:
    """One kind of personal data.

    Attributes:
        name: As stored.
        hint: A pattern for Polars, which has no look-around: texts without it are skipped.
        pattern: Matches candidates.
        is_real: False for a match that is an example or a placeholder, or has a wrong checksum.
    """

    name: str
    hint: str
    pattern: re.Pattern[str]
    is_real: Callable[[re.Match[str]], bool]


def find_personal_data(rows: pl.DataFrame, columns: Sequence[str]) -> pl.Series:
    """What looks like personal data in some text columns, as `tables.PERSONAL_DATA`.

    Returns:
        For each row a list with an entry per column and kind that has matches; empty without any.
    """
    found: list[list[dict[str, str | int]]] = [[] for _ in range(rows.height)]
    for column in columns:
        texts = rows[column]
        for kind in _KINDS:
            for row in texts.str.contains(kind.hint).arg_true():
                matches = sum(map(kind.is_real, kind.pattern.finditer(texts[row])))
                if matches:
                    found[row].append({"kind": kind.name, "where": column, "matches": matches})
    return pl.Series("personal_data", found, PERSONAL_DATA)


def _has_real_domain(match: re.Match[str]) -> bool:
    labels = match["domain"].lower().split(".")
    return len(labels) > 1 and not _PLACEHOLDER_DOMAINS.intersection(labels)


def _is_email(match: re.Match[str]) -> bool:
    """Not the password of ``https://user:password@host``, which is followed by ``@`` too."""
    before = match.string[max(0, match.start() - 80) : match.start()]
    return _has_real_domain(match) and not _LOGIN_BEFORE.search(before)


def _is_telephone(match: re.Match[str]) -> bool:
    digits = re.sub(r"\D", "", match[0])
    north_american = digits[-10:] if match[0][0] != "+" or digits.startswith("1") else None
    if north_american is None:
        return 8 <= len(digits) <= 15
    area, exchange = north_american[:3], north_american[3:6]
    is_made_up = "555" in (area, exchange) or north_american in ("9876543210", "2345678901")
    return len(digits) in (10, 11) and area[0] > "1" and exchange[0] > "1" and not is_made_up


def _is_public_address(match: re.Match[str]) -> bool:
    """Not four single digits: those are versions, sections or public resolvers (8.8.8.8)."""
    try:
        address = ipaddress.IPv4Address(match[0])
    except ValueError:
        return False
    return address.is_global and not address.is_multicast and len(match[0]) > 7


def _is_card(match: re.Match[str]) -> bool:
    digits = re.sub(r"\D", "", match[0])
    # Luhn's checksum: every second digit from the right is doubled, and its digits added up.
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return (
        (sum(map(int, digits[-1::-2])) + sum(doubled)) % 10 == 0
        and digits not in _TEST_CARDS
        and len(set(digits)) > 3
    )


def _is_iban(match: re.Match[str]) -> bool:
    code = match[0].replace(" ", "")
    number = "".join(str(int(sign, 36)) for sign in code[4:] + code[:4])
    return 15 <= len(code) <= 34 and int(number) % 97 == 1 and code not in _TEST_IBANS


def _is_secret(match: re.Match[str]) -> bool:
    """Not ``sk-xxxxxxxx``, ``hf_YOUR_TOKEN_HERE``: placeholders repeat a character or are words."""
    body = match["body"] or match["key"]
    has_digit = any(sign.isdigit() for sign in body)
    return has_digit and len(set(body)) >= 10 and "EXAMPLE" not in body.upper()


def _has_real_password(match: re.Match[str]) -> bool:
    return match["password"].lower() not in _PLACEHOLDER_PASSWORDS and _has_real_domain(match)


_DOMAIN = r"(?P<domain>[A-Za-z0-9][A-Za-z0-9.-]{0,250}\.[A-Za-z]{2,24})(?![\w-])"
_LOGIN_BEFORE = re.compile(r"://[^\s/]*:$")
_KINDS = (
    _Kind(
        "email",
        r"[0-9A-Za-z]@[0-9A-Za-z]",
        re.compile(rf"(?<![\w.%+-])[A-Za-z0-9][A-Za-z0-9._%+-]{{0,63}}@{_DOMAIN}"),
        _is_email,
    ),
    _Kind(
        "phone",
        r"\+[0-9]{1,3}[ .(-]|\+[0-9]{10}|[0-9]{3}[).-] ?[0-9]{3}[.-][0-9]{4}",
        re.compile(
            r"(?<![\w+.)$=}-])(?<![0-9)$=}] )(?:"
            r"\+[1-9][0-9]{0,2}[ .-]?\([0-9]{1,4}\)(?:[ .-]?[0-9]{2,4}){2,4}"
            r"|\+[1-9][0-9]{0,2}[ .-][0-9]{1,4}(?:[ .-][0-9]{2,8}){1,4}"
            r"|\+[1-9][0-9]{9,14})(?![\w)]|[.,-]?[0-9])"
            r"|(?<![\w.+-])(?:\([0-9]{3}\) ?|[0-9]{3}[.-])[0-9]{3}[.-][0-9]{4}(?![\w-]|\.[0-9])"
        ),
        _is_telephone,
    ),
    _Kind(
        "ip_address",
        r"[0-9]\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]",
        re.compile(r"(?<![\w.])[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?![\w]|\.[0-9])"),
        _is_public_address,
    ),
    _Kind(
        "credit_card",
        r"[3-6][0-9]{3}[ -]?[0-9]{4,6}[ -]?[0-9]{4,5}",
        re.compile(
            r"(?<![\w.,/=+-])(?:3[47][0-9]{2}[ -]?[0-9]{6}[ -]?[0-9]{5}"
            r"|(?:4[0-9]{3}|5[1-5][0-9]{2}|2[2-7][0-9]{2}|6011|65[0-9]{2})"
            r"(?P<gap>[ -]?)[0-9]{4}(?P=gap)[0-9]{4}(?P=gap)[0-9]{4})(?![\w-]|[.,/][0-9])"
        ),
        _is_card,
    ),
    _Kind(
        "us_ssn",
        r"[0-9]{3}-[0-9]{2}-[0-9]{4}",
        re.compile(
            r"(?<![\w.,+-])(?!000|666|9)[0-9]{3}-(?!00)[0-9]{2}-(?!0000)[0-9]{4}"
            r"(?![\w-]|\.[0-9]| ?=)"
        ),
        lambda match: match[0] not in _TEST_SSNS,
    ),
    _Kind(
        "iban",
        r"[A-Z]{2}[0-9]{2} ?[0-9A-Z]{4} ?[0-9A-Z]{4}",
        re.compile(
            r"(?<!\w)[A-Z]{2}[0-9]{2}(?: ?[0-9A-Z]{4}){2,7}(?: ?[0-9A-Z]{1,3})?(?![0-9A-Za-z])"
        ),
        _is_iban,
    ),
    _Kind(
        "secret",
        r"sk-|AKIA|gh[oprsu]_|github_pat_|hf_|xox[abprs]-|AIza|PRIVATE KEY-",
        re.compile(
            r"(?<![\w-])(?:sk-|AKIA(?=[0-9A-Z]{16}\b)|gh[oprsu]_|github_pat_|hf_|xox[abprs]-|AIza)"
            r"(?P<body>[\w-]{16,256})"
            r"|-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----\s{1,4}(?P<key>[0-9A-Za-z+/]{40})"
        ),
        _is_secret,
    ),
    _Kind(
        "url_with_password",
        r"://[^\s/@:]{1,64}:[^\s/@]{1,64}@",
        re.compile(
            r"(?<!\w)[a-z][a-z0-9+.-]{1,15}://[^\s/:@<>{}$\"']{1,64}:"
            r"(?P<password>[^\s/@<>{}$\"'*]{1,64})@" + _DOMAIN
        ),
        _has_real_password,
    ),
)
