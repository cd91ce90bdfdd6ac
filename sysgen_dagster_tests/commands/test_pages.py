"""Pages of ours in a browser: who may see them, and who is refused."""

import http.client
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route

from sysgen_dagster.commands.pages import Pages, PagesError, serving
from sysgen_dagster_tests.commands.browser import needs_chromium, opened_chromium


async def _page(request: object) -> PlainTextResponse:
    return PlainTextResponse("the page")


async def _taken(request: object) -> JSONResponse:
    return JSONResponse({"taken": True})


ROUTES = [Route("/", _page), Route("/taken", _taken, methods=["POST"])]


@pytest.fixture
def pages() -> Iterator[Pages]:
    with serving(ROUTES) as served:
        yield served


def ask(
    pages: Pages, path: str = "/", method: str = "GET", **headers: str
) -> tuple[int, str, dict[str, str]]:
    place = urlsplit(pages.url)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=10)
    connection.request(method, path, headers={k.replace("_", "-"): v for k, v in headers.items()})
    answer = connection.getresponse()
    body = answer.read().decode()
    connection.close()
    return answer.status, body, dict(answer.getheaders())


def cookie_of(pages: Pages) -> str:
    place = urlsplit(pages.url)
    status, text, headers = ask(pages, f"/?{place.query}")
    assert status == 200
    assert text.endswith('content="0; url=/">')
    assert "HttpOnly" in headers["set-cookie"]
    assert "samesite=strict" in headers["set-cookie"].lower()
    return headers["set-cookie"].partition(";")[0]


def test_the_address_that_is_printed_opens_the_page_and_leaves_no_token_in_it(pages: Pages) -> None:
    assert ask(pages, cookie=cookie_of(pages))[:2] == (200, "the page")


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"path": "/?token=wrong"},
        {"path": "/?token="},
        {"cookie": "sysgen-1=x"},
        {"path": "/taken", "method": "POST", "content_type": "application/json"},
    ],
)
def test_nobody_is_answered_without_the_token(pages: Pages, sent: dict[str, str]) -> None:
    status, text, _ = ask(pages, **sent)
    assert status == 403
    assert "the whole address" in text


def test_the_token_alone_is_not_enough_for_another_site_s_page(pages: Pages) -> None:
    cookie = cookie_of(pages)
    assert ask(pages, cookie=cookie, host="evil.example")[0] == 403
    assert ask(pages, cookie=cookie, origin="http://evil.example")[0] == 403
    assert ask(pages, "/taken", "POST", cookie=cookie, content_type="text/plain")[0] == 415
    sent = {"cookie": cookie, "content_type": "application/json"}
    assert ask(pages, "/taken", "POST", **sent)[0] == 200


def test_each_start_has_a_token_of_its_own() -> None:
    with serving(ROUTES) as one, serving(ROUTES) as other:
        assert urlsplit(one.url).query != urlsplit(other.url).query
        assert ask(other, f"/?{urlsplit(one.url).query}")[0] == 403


def test_a_port_that_is_taken_is_named(pages: Pages) -> None:
    port = urlsplit(pages.url).port or 0
    with pytest.raises(PagesError, match=f"port {port} of 127.0.0.1"), serving(ROUTES, port):
        pass


def test_the_port_is_free_again_afterwards() -> None:
    with serving(ROUTES) as served:
        port = urlsplit(served.url).port or 0
    with serving(ROUTES, port) as again:
        assert ask(again)[0] == 403


@pytest.mark.parametrize(
    "others",
    ["a/b=1", "a@b=1; c[d]=2", '{"x": "y z"}', 't="open', "sysgen-1=x", "\xe9=\xff", ";;="],
)
def test_cookies_that_other_servers_of_this_machine_left_lock_nobody_out(
    pages: Pages, others: str
) -> None:
    assert ask(pages, cookie=f"{others}; {cookie_of(pages)}")[:2] == (200, "the page")
    assert ask(pages, cookie=others)[0] == 403


@needs_chromium
def test_the_address_may_be_a_link_on_another_site_s_page_such_as_a_terminal_s(
    pages: Pages,
) -> None:
    with opened_chromium() as browser:
        page = browser.new_page()
        link = f'<a href="{pages.url}">the page</a>'
        page.route("**/terminal", lambda it: it.fulfill(body=link, content_type="text/html"))
        page.goto("http://terminal.example/terminal")
        page.get_by_text("the page").click()
        page.wait_for_url(lambda url: "terminal.example" not in url and "token" not in url)
        page.get_by_text("the page").wait_for()
        assert "token" not in page.url
        page.go_back()
        assert page.url == "http://terminal.example/terminal"  # the token is not in the history


def test_a_name_that_the_operator_allows_for_the_ui_is_one_of_these_pages(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SYSGEN_ALLOW_HOSTS", "hub.example:8443")
    with serving(ROUTES) as pages:
        cookie = cookie_of(pages)
        assert ask(pages, cookie=cookie, host="hub.example:8443")[0] == 200
        assert ask(pages, cookie=cookie, host="evil.example")[0] == 403
