"""The page: small, with a policy that lets nothing in but itself."""

import base64
import hashlib
import json
import re

from sysgen_dagster.review.page import render

HOSTILE = '</script><script>alert(1)</script>"><img src=x onerror=alert(2)>'
SETTINGS = {
    "longest": 10,
    "reviewer": HOSTILE,
    "models": [HOSTILE],
    "sources": [],
    "flags": [],
}


def test_the_page_may_ask_its_own_server_and_runs_its_own_script_alone() -> None:
    page = render(SETTINGS)
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy
    assert "connect-src &#39;self&#39;" in policy[1]
    for kind in ("style", "script"):
        [text] = re.findall(rf"<{kind}[^>]*>((?:.|\n)*?)</{kind}>", page)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{kind}-src &#39;sha256-{digest}&#39;" in policy[1]
    assert "unsafe" not in policy[1]


def test_what_a_catalogue_says_stays_text() -> None:
    page = render(SETTINGS)
    assert page.count("<script") == 1
    assert "<img" not in page
    settings = re.search(r'data-settings="([^"]*)"', page)
    assert settings
    assert HOSTILE not in settings[1]
    unescaped = settings[1].replace("&#34;", '"').replace("&lt;", "<").replace("&gt;", ">")
    assert json.loads(unescaped)["models"] == [HOSTILE]


def test_the_page_is_small() -> None:
    page = render(SETTINGS)
    assert len(page) < 60_000


def test_the_report_is_linked_where_it_is_served() -> None:
    assert 'href="/report"' not in render(SETTINGS)
    assert 'href="/report"' in render(SETTINGS, "/report")
