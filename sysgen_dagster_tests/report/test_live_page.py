"""The page that follows a run, as HTML."""

import re

from sysgen_dagster.report.live_page import render_live

HOSTILE = "</main><script>alert(1)</script>"


def test_the_page_may_ask_its_own_server_and_nobody_else() -> None:
    page = render_live("/data", "/report/news")
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy
    assert "connect-src &#39;self&#39;" in policy[1]
    assert "default-src &#39;none&#39;" in policy[1]
    assert not re.findall(r"https?://", page)


def test_a_place_stays_text_and_the_report_is_linked_where_there_is_one() -> None:
    page = render_live(HOSTILE, "/report/news", "/report/whole")
    assert HOSTILE not in page
    assert page.count("<script") == 1
    assert 'href="/report/whole"' in page
    assert "There is no report yet" in render_live("/data", "/report/news")
