"""The page: small, with a policy that lets nothing in but itself."""

import base64
import hashlib
import json
import re

from sysgen_dagster.lanes.sysgen.tags import TAG_NAMES
from sysgen_dagster.review.page import render

HOSTILE = '</script><script>alert(1)</script>"><img src=x onerror=alert(2)>'
SETTINGS = {
    "tags": TAG_NAMES,
    "longest": 10,
    "report": "",
    "reviewer": HOSTILE,
    "models": [HOSTILE],
    "sources": [],
    "flags": [],
}


def test_the_policy_names_style_and_script_by_their_hashes_and_nothing_else() -> None:
    page, policy = render(SETTINGS)
    for kind in ("style", "script"):
        [(text, *_)] = re.findall(rf"<{kind}>((.|\n)*?)</{kind}>", page)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    without_data = re.sub(r'"[^"]*"', '""', page.split("<script>")[0])
    assert not re.search(r"\s(on\w+|style)=|https?:", without_data)


def test_what_a_catalogue_says_stays_text() -> None:
    page, _ = render(SETTINGS)
    assert page.count("<script") == 1
    assert "<img" not in page
    settings = re.search(r'data-settings="([^"]*)"', page)
    assert settings
    assert HOSTILE not in settings[1]
    unescaped = settings[1].replace("&#34;", '"').replace("&lt;", "<").replace("&gt;", ">")
    assert json.loads(unescaped)["models"] == [HOSTILE]


def test_the_page_is_small() -> None:
    page, _ = render(SETTINGS)
    assert len(page) < 30_000


def test_the_report_is_linked_where_it_is_served() -> None:
    assert 'href="/report"' not in render(SETTINGS)[0]
    assert 'href="/report"' in render({**SETTINGS, "report": "/report"})[0]
