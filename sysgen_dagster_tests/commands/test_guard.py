"""What passes the guard of the UI, and what another site's page is refused."""

import asyncio
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest

from sysgen_dagster.commands.guard import Guard, GuardError

UI = "http://127.0.0.1:3000"
JSON = {"content-type": "application/json"}
MUTATION = "/graphql?query=mutation%7BreloadWorkspace%7B__typename%7D%7D"


@dataclass
class Served:
    """What a request met: the answer, and what came through to the webserver."""

    status: int = 0
    text: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    passed: dict[str, Any] | None = None


def ask(method: str = "GET", target: str = "/", *extra: tuple[str, str], **said: Any) -> Served:
    """Send one request through a guard to a webserver that answers all of them.

    Args:
        method: Of a request that opens no websocket.
        target: The path and what is asked of it.
        extra: Headers that are sent beside those of the same name.
        said: `kind`, `secure`, `guard` for the guard's own arguments, and headers.
    """
    kind, secure = said.pop("kind", "http"), said.pop("secure", False)
    guard, host = said.pop("guard", {}), said.pop("host", "127.0.0.1:3000")
    served, place = Served(), urlsplit(target)

    async def webserver(scope: Any, _receive: Any, send: Any) -> None:
        served.passed = scope
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"secret"})
        else:
            await send({"type": "websocket.accept"})

    async def receive() -> Any:
        return {"type": "websocket.connect" if kind == "websocket" else "http.request"}

    async def send(message: Any) -> None:
        refused = 403 if message["type"] == "websocket.close" else served.status
        served.status = message.get("status", refused)
        served.text += message.get("body", b"").decode()
        for name, value in message.get("headers", ()):
            served.headers[name.decode()] = value.decode()

    headers = [("host", host)] if host is not None else []
    headers += [(name.replace("_", "-"), value) for name, value in said.items()] + list(extra)
    scope: dict[str, Any] = {
        "type": kind,
        "scheme": {"http": "http", "websocket": "ws"}[kind] + ("s" if secure else ""),
        "path": place.path,
        "raw_path": place.path.encode(),
        "query_string": place.query.encode(),
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers],
    }
    if kind == "http":
        scope["method"] = method
    under_test = Guard(webserver, **{"listens_on": "127.0.0.1", **guard})
    asyncio.run(under_test(scope, receive, send))
    return served


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1:3000", "localhost:3000", "LocalHost", "[::1]:3000", "[::1]", "127.0.0.1:8080"],
)
def test_this_machine_is_asked_under_its_own_names_through_any_forwarded_port(host: str) -> None:
    assert ask(host=host).text == "secret"
    assert ask("POST", "/graphql", host=host, origin=f"http://{host}", **JSON).status == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example:3000",  # a name that leads to 127.0.0.1
        "127.0.0.1.evil.example",
        "localhost.evil.example:3000",
        "evil.localhost:3000",
        "0.0.0.0:3000",
        "192.168.1.5:3000",
        "127.0.0.1@evil.example",
        "evil.example#127.0.0.1",
        "127.0.0.1:3000, evil.example",
        "127.0.0.1:",
        "127.0.0.1:3000:3000",
        " 127.0.0.1",
        "localhost\n",
        "[::1",
        "[::ffff:127.0.0.1]",
        "löcalhost",
        "",
        None,
    ],
)
def test_no_other_host_is_answered(host: str | None) -> None:
    for kind in ("http", "websocket"):
        served = ask(host=host, kind=kind, origin=f"http://{host or UI}".replace("ö", "o"))
        assert (served.status, served.passed) == (403, None)
    assert ask("POST", "/graphql", host=host, **JSON).passed is None


def test_two_hosts_are_none() -> None:
    assert ask("GET", "/", ("host", "evil.example")).passed is None
    assert ask("GET", "/", ("host", "127.0.0.1:3000")).passed is None


OTHER_SITES = [
    "http://evil.example",
    "https://evil.example",
    "http://127.0.0.1:8000",  # another server of this machine
    "http://127.0.0.1",
    "http://localhost:3000",  # another origin than the one that was asked
    "http://127.0.0.1:3000.evil.example",
    "http://127.0.0.1:30001",
    "http://[::1]:3000",
    "http://evil.example@127.0.0.1:3000",
    "http://127.0.0.1:3000/",
    "http://127.0.0.1:3000 http://evil.example",
    "ws://127.0.0.1:3000",
    "chrome-extension://abcdef",
    "file://",
    "127.0.0.1:3000",
    "null",  # a sandboxed frame, a file
    "",
]


@pytest.mark.parametrize("origin", OTHER_SITES)
@pytest.mark.parametrize("site", [None, "cross-site", "same-site", "none"])
def test_a_page_of_another_site_neither_reads_nor_starts(origin: str, site: str | None) -> None:
    sent = {"origin": origin} | ({"sec_fetch_site": site} if site else {})
    for method, target in [
        ("GET", "/"),
        ("GET", "/server_info"),
        ("GET", "/logs/run/compute_logs/step.err"),
        ("GET", "/download_debug/run"),
        ("GET", MUTATION),
        ("POST", "/graphql"),
        ("POST", "/report_asset_materialization/conversations"),
        ("OPTIONS", "/graphql"),
    ]:
        assert ask(method, target, **sent, **JSON).passed is None
    assert ask(kind="websocket", target="/graphql", **sent).passed is None


def test_two_origins_are_none() -> None:
    assert ask("GET", "/", ("origin", UI), origin=UI).passed is None


@pytest.mark.parametrize("site", ["cross-site", "same-site", "anything-new", "same-origin, none"])
@pytest.mark.parametrize(
    ("mode", "shown_in"),
    [
        ("no-cors", "image"),
        ("no-cors", "script"),
        ("no-cors", "style"),
        ("no-cors", "video"),
        ("no-cors", "empty"),
        ("cors", "empty"),
        ("navigate", "iframe"),
        ("navigate", "frame"),
        ("navigate", "object"),
        ("navigate", "embed"),
        ("websocket", "websocket"),
        ("navigate", ""),
    ],
)
def test_nothing_that_another_site_s_page_embeds_is_served(
    site: str, mode: str, shown_in: str
) -> None:
    fetched = {"sec_fetch_site": site, "sec_fetch_mode": mode, "sec_fetch_dest": shown_in}
    for target in ("/", "/server_info", "/logs/run/step.err", "/favicon.png", MUTATION):
        served = ask("GET", target, **fetched)
        assert (served.status, served.passed) == (403, None)
    assert ask("GET", "/", ("sec-fetch-site", site), sec_fetch_site="same-origin").passed is None
    assert ask(kind="websocket", target="/graphql", origin=UI, **fetched).passed is None


LINK = {"sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate", "sec_fetch_dest": "document"}


@pytest.mark.parametrize(
    "target",
    [
        "/",
        "/runs/0a1b",
        "/assets/conversations?view=events",
        "/server_info",
        "/logs/run/step.err",
        "/download_debug/run",
        "/notebook?path=/home/me/Downloads/evil.ipynb&repoLocName=sysgen",
        "/dagit/notebook?path=evil.ipynb",
        "/graphql",
    ],
)
def test_a_link_from_elsewhere_opens_the_page_of_the_ui_whatever_it_leads_to(target: str) -> None:
    served = ask("GET", target, accept="text/html,*/*", **LINK)
    assert served.passed is not None
    assert (served.passed["path"], served.passed["raw_path"]) == ("/", b"/")
    below = ask("GET", target, accept="text/html", guard={"page": "/ui/"}, **LINK)
    assert below.passed is not None
    assert below.passed["path"] == "/ui/"


def test_a_form_of_another_site_is_no_link() -> None:
    assert ask("POST", "/graphql", **LINK, **JSON).passed is None
    assert ask("GET", "/", origin="http://evil.example", **LINK).passed is None


@pytest.mark.parametrize("site", [None, "same-origin", "none"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("path", ["/graphql", "/graphql/", "/ui/graphql"])
def test_graphql_is_not_asked_by_get_not_even_by_us(
    site: str | None, method: str, path: str
) -> None:
    sent = {"sec_fetch_site": site} if site else {}
    for query in ("?query=mutation{x}", "?query={version}", "?query=subscription{x}", ""):
        for accept in ({}, {"accept": "*/*"}, {"accept": "image/avif,image/webp,*/*"}):
            served = ask(method, path + query, **accept, **sent)
            assert (served.status, served.passed) == (405, None)
        page = ask(method, path + query, accept="text/html", **sent).passed
        assert page is not None
        assert page["query_string"] == b""


@pytest.mark.parametrize(
    "content",
    [
        None,
        "",
        "text/plain",
        "text/plain;charset=UTF-8",
        "text/plain; application/json",  # Dagster looks whether the words are in it
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=application/json",
        "application/graphql",
        "application/json-patch",
    ],
)
def test_a_post_that_a_form_could_send_is_refused_even_from_no_browser(content: str | None) -> None:
    sent = {} if content is None else {"content_type": content}
    for target in ("/graphql", MUTATION, "/report_asset_materialization/conversations"):
        served = ask("POST", target, **sent)
        assert (served.status, served.passed) == (415, None)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "get"])
def test_other_methods_are_refused(method: str) -> None:
    assert ask(method, "/server_info", origin=UI, **JSON).status == 405


@pytest.mark.parametrize("content", ["application/json", "Application/JSON; charset=utf-8"])
def test_our_own_page_and_clients_without_a_browser_are_answered(content: str) -> None:
    page = {"origin": UI, "sec_fetch_site": "same-origin", "sec_fetch_mode": "cors"}
    assert ask("POST", "/graphql", content_type=content, **page).text == "secret"
    assert ask("POST", "/graphql", content_type=content).text == "secret"
    assert ask("GET", "/server_info").text == "secret"
    assert ask("GET", "/logs/run/step.err", sec_fetch_site="same-origin").text == "secret"
    typed = {"sec_fetch_site": "none", "sec_fetch_mode": "navigate", "sec_fetch_dest": "document"}
    assert ask("GET", "/download_debug/run", **typed).text == "secret"


def test_a_websocket_is_opened_by_our_own_page_alone() -> None:
    ours = ask(kind="websocket", target="/graphql", origin=UI).passed
    assert ours is not None
    assert ours["path"] == "/graphql"
    nobody = ask(kind="websocket", target="/graphql")
    assert (nobody.status, nobody.passed) == (403, None)


NAMED: dict[str, Any] = {
    "named": ["ui.example.org", "gpu-box:8443", "[fd00::5]"],
    "listens_on": "0.0.0.0",
}


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("ui.example.org", "https://ui.example.org"),
        ("UI.example.org", "https://ui.example.org"),
        ("127.0.0.1:3000", "https://ui.example.org"),  # a proxy that writes its own Host
        ("gpu-box:8443", "http://gpu-box:8443"),
        ("gpu-box:3000", "http://gpu-box:3000"),
        ("127.0.0.1:3000", "https://gpu-box:8443"),
        ("[fd00::5]:3000", "http://[fd00::5]:3000"),
    ],
)
def test_a_name_that_the_operator_gives_is_one_of_the_ui(host: str, origin: str) -> None:
    sent: dict[str, Any] = {"host": host, "origin": origin, "guard": NAMED}
    assert ask("POST", "/graphql", **sent, **JSON).status == 200
    assert ask(kind="websocket", target="/graphql", **sent).passed is not None


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("0.0.0.0:3000", "http://0.0.0.0:3000"),  # every browser takes it for this machine
        ("other.example.org", "https://other.example.org"),
        ("a.ui.example.org", "https://a.ui.example.org"),
        ("ui.example.org", "https://ui.example.org:444"),
        ("gpu-box:3000", "http://gpu-box:8000"),
        ("127.0.0.1:3000", "https://gpu-box"),
    ],
)
def test_a_name_that_is_given_allows_no_other(host: str, origin: str) -> None:
    sent: dict[str, Any] = {"host": host, "origin": origin, "guard": NAMED}
    assert ask("POST", "/graphql", **sent, **JSON).passed is None


def test_behind_tls_the_page_without_it_is_another_site() -> None:
    sent: dict[str, Any] = {"host": "ui.example.org", "guard": NAMED, "secure": True}
    assert ask("POST", "/graphql", origin="https://ui.example.org", **sent, **JSON).status == 200
    assert ask("POST", "/graphql", origin="http://ui.example.org", **sent, **JSON).passed is None


def test_the_address_at_which_it_listens_is_one_of_its_names() -> None:
    for listens_on, host in [("10.0.0.7", "10.0.0.7:3000"), ("fd00::7", "[fd00::7]:3000")]:
        assert ask(host=host, guard={"listens_on": listens_on}).status == 200
        assert ask(host=host).status == 403


@pytest.mark.parametrize("named", ["https://ui.example.org", "a b", "ui/", "*", "", "x:port"])
def test_what_is_no_name_cannot_be_allowed(named: str) -> None:
    with pytest.raises(GuardError, match="give NAME or NAME:PORT"):
        ask(guard={"named": [named]})


def test_a_refusal_says_why_and_what_allows_it_in_one_bounded_line() -> None:
    of_host = ask(host="gpu-box:3000")
    assert "--allow-host gpu-box:3000" in of_host.text
    of_origin = ask(origin="https://ui.example.org")
    assert "--allow-host ui.example.org" in of_origin.text
    assert of_host.headers["content-type"].startswith("text/plain")
    long = ask(host="\x1b]52;c;" + "x" * 50_000).text
    assert len(long) < 600
    assert long.strip().isprintable()


@pytest.mark.parametrize("host", ["127.0.0.1:3000", "evil.example"])
def test_no_answer_is_framed_or_embedded_elsewhere(host: str) -> None:
    said = ask(host=host).headers
    assert said["x-frame-options"] == "SAMEORIGIN"
    assert said["cross-origin-resource-policy"] == "same-origin"
    assert said["cross-origin-opener-policy"] == "same-origin"
    assert said["x-content-type-options"] == "nosniff"
