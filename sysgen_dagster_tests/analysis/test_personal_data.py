"""Personal data and secrets: what is counted and what is not."""

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sysgen_dagster.analysis.personal_data import find_personal_data
from sysgen_dagster.analysis.tables import PERSONAL_DATA

# Joined, so that no scanner of this repository takes it for a key.
BODY = "a8Kd93jFk2" + "0dkEjd82Jd0aQ1Zx"
PIECES = ("@", ".", "+1", "-", " ", "212", "4539", "GB33", "sk-", "://", ":", "a", "192", "\x00")


def kinds(text: str) -> list[str]:
    found = find_personal_data(pl.DataFrame({"question": [text]}), ["question"])
    return [each["kind"] for each in found[0]]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Write to joe_doe@gmail.com.", "email"),
        ("<a.b+c@uni-bonn.de>", "email"),
        ("Call +49 30 901820 now", "phone"),
        ("+44 20 7946 0958", "phone"),
        ("tel:+4915123456789", "phone"),
        ("(212) 736-5000", "phone"),
        ("212-736-5000", "phone"),
        ("+1 (212) 736-5000", "phone"),
        ("from 150.95.139.51 came", "ip_address"),
        ("4539 1488 0343 6467", "credit_card"),
        ("4539148803436467", "credit_card"),
        ("SSN 219-45-1234", "us_ssn"),
        ("GB33BUKB20201555555555", "iban"),
        ("FR14 2004 1010 0505 0001 3M02 606", "iban"),
        (f'key = "sk-{BODY}"', "secret"),
        ("AKIA" + "J7Q2XWB3ZK5PLM4A", "secret"),
        (f"ghp_{BODY}{BODY}", "secret"),
        ("-----BEGIN RSA PRIVATE KEY-----\n" + BODY * 2, "secret"),
        ("postgres://bob:hunter2@db.acme-corp.io/x", "url_with_password"),
    ],
)
def test_personal_data_and_secrets_are_counted(text: str, kind: str) -> None:
    assert kinds(text) == [kind]


@pytest.mark.parametrize(
    "text",
    [
        "john@example.com, a@mail.example.org, x@company.co.uk, @app.route, %@gmail.com",
        "(555) 123-4567, 212-555-0147, 123-456-7890, 987-654-3210",
        "127.0.0.1, 192.168.1.1, 10.0.0.1, 203.0.113.7, 8.8.8.8, 255.255.255.0, 256.1.1.1",
        "version 1.2.3.4, v10.20.30.40, section 10.10.10.10.10",
        "4111 1111 1111 1111, 4539 1488 0343 6468",
        "123-45-6789, 900-12-3456, 219-00-1234",
        "GB82 WEST 1234 5698 7654 32, GB33BUKB20201555555556",
        "sk-xxxxxxxxxxxxxxxxxxxxxxxx, hf_YOUR_ACCESS_TOKEN_HERE, task-a8Kd93jFk20dkEjd82",
        "AKIA" + "IOSFODNN7EXAMPLE",
        "postgres://user:password@db.acme.io, redis://bob:hunter2@localhost:6379",
    ],
    ids=["email", "phone", "ip", "version", "card", "ssn", "iban", "secret", "aws", "url"],
)
def test_examples_and_placeholders_are_left_out(text: str) -> None:
    assert kinds(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "+21000-6300 and (+19)(31-19) and 3 +12 345 678 and $5 + 12 345 6789$",
        "10000-3000-4000 = 3000; 200-100-1000; 1234567890123456",
        "0.4539148803436467 and 4539148803436467.5 and 3.14159265358979",
        "1,234-56-7890 and 1010 1101 1001 0001",
    ],
)
def test_numbers_in_maths_are_not_personal_data(text: str) -> None:
    assert kinds(text) == []


def test_matches_are_counted_by_column_and_kind() -> None:
    rows = pl.DataFrame(
        {
            "question": ["me@gmail.com and you@gmail.com", "nothing", None],
            "new_answer": ["Wrote to me@gmail.com from 150.95.139.51.", None, ""],
        }
    )
    found = find_personal_data(rows, ["question", "new_answer"])
    assert found.dtype == PERSONAL_DATA
    assert found.to_list() == [
        [
            {"kind": "email", "where": "question", "matches": 2},
            {"kind": "email", "where": "new_answer", "matches": 1},
            {"kind": "ip_address", "where": "new_answer", "matches": 1},
        ],
        [],
        [],
    ]


@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=40).map("".join))
@example("a@" * 50_000)
@example("+1-123" * 20_000)
@example("GB33 " * 20_000)
@example("x@" + "a." * 50_000)
def test_any_text_can_be_searched(text: str) -> None:
    assert all(isinstance(kind, str) for kind in kinds(text))
