"""How HTTP is spoken to model servers: whom it trusts, what it does not follow, what it holds."""

import asyncio
import gzip
import os
import shutil
import ssl
import subprocess
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from aiohttp import web

from sysgen_dagster.inference.bodies import MOST_ERROR_BYTES, BadBodyError
from sysgen_dagster.inference.chat_api import EngineError, ModelIdentity
from sysgen_dagster.inference.ledger import Ledger
from sysgen_dagster.inference.probing import probe_server
from sysgen_dagster.inference.transport import (
    CutError,
    NotConnectedError,
    Response,
    open_transport,
    trusted_certificates,
)
from sysgen_dagster_tests.inference.batches import NOBODY, ask, questions
from sysgen_dagster_tests.inference.certificates import Authority
from sysgen_dagster_tests.inference.connections import connection_to
from sysgen_dagster_tests.inference.odd_servers import (
    completion,
    drip,
    for_ever,
    listing,
    serving,
    speaking,
    writing,
)

PHI = ModelIdentity("phi-4", "phi", None, "endpoint")
MOST = 100_000


@pytest.fixture(autouse=True)
def _nobody_says_whom_to_trust(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def get(url: str, within_s: float = 60.0, most_bytes: int = MOST) -> Response:
    async def main() -> Response:
        async with open_transport([url], {}, 10.0) as transport, asyncio.timeout(within_s):
            return await transport.send("GET", url, most_bytes)

    return asyncio.run(main())


async def answer(request: web.Request) -> web.Response:
    """A server that lists, chats and counts tokens."""
    if request.path == "/v1/models":
        return web.Response(body=listing("phi"), content_type="application/json")
    return web.json_response(completion("Because.") | {"count": 7})


# Trust


def test_a_private_authority_is_trusted_by_questions_chats_and_token_counts(
    authority: Authority, monkeypatch: pytest.MonkeyPatch, ledger: Ledger
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    with serving(answer, authority.server_context()) as url:
        assert probe_server(PHI, url, None, None, 0).has_tokenizer
        rows = ask(connection_to(url), questions(5), ledger)
    assert rows["text"].to_list() == ["Because."] * 5


@pytest.mark.skipif(shutil.which("openssl") is None, reason="it names the file as OpenSSL wants it")
def test_authorities_may_lie_in_a_folder(
    authority: Authority, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = tmp_path / "certificates"
    folder.mkdir()
    # The name by which OpenSSL finds it: a hash of the authority's name.
    command = ["openssl", "x509", "-hash", "-noout", "-in", authority.file]
    name = subprocess.check_output(command, text=True).strip()
    (folder / f"{name}.0").write_bytes(authority.file.read_bytes())
    monkeypatch.setenv("SSL_CERT_DIR", f"{tmp_path}{os.pathsep}{folder}")
    with serving(answer, authority.server_context()) as url:
        assert get(f"{url}/models").status == 200


def test_public_authorities_are_trusted_where_nobody_says_whom_to_trust() -> None:
    assert trusted_certificates().cert_store_stats()["x509_ca"] > 50


@pytest.mark.parametrize("kind", ["private", "expired", "other_host"])
def test_a_certificate_that_is_not_trusted_is_named_with_what_to_do(
    authority: Authority, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    if kind != "private":
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    host = "127.0.0.2" if kind == "other_host" else "127.0.0.1"
    tls = authority.server_context(host, valid_days=-1 if kind == "expired" else 1)
    words = {"private": "unable to get local issuer|self", "expired": "expired"}
    words["other_host"] = "not valid for '127.0.0.1'"
    with serving(answer, tls) as url:
        with pytest.raises(NotConnectedError, match=words[kind]):
            get(f"{url}/models")
        with pytest.raises(EngineError, match=words[kind]) as error:
            connection_to(url).connect()
    assert f"phi-4: no OpenAI-compatible server answers at {url}" in str(error.value)
    assert "its certificate is not trusted" in str(error.value)
    assert "SSL_CERT_FILE" in str(error.value)


@pytest.mark.parametrize("holds", [None, "no certificate", ""], ids=["missing", "text", "empty"])
def test_a_file_of_certificates_that_cannot_be_read_is_named_and_not_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, holds: str | None
) -> None:
    file = tmp_path / "corporate.pem"
    if holds is not None:
        file.write_text(holds)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    with pytest.raises(EngineError, match=r"SSL_CERT_FILE names .*corporate.pem"):
        get("https://127.0.0.1:9/v1")


def test_a_folder_of_certificates_that_is_not_there_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SSL_CERT_DIR", "/nowhere")
    with pytest.raises(EngineError, match="SSL_CERT_DIR names /nowhere"):
        get("https://127.0.0.1:9/v1")


def test_a_server_without_certificate_is_asked_whatever_the_variables_say(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/ca.pem")
    with serving(answer) as url:
        assert get(f"{url}/models").status == 200


def test_https_where_http_is_spoken_is_said() -> None:
    with serving(answer) as url, pytest.raises(NotConnectedError, match="TLS failed"):
        get(url.replace("http:", "https:"))


# Connections


def test_a_proxy_of_the_machine_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with serving(answer) as url:
        assert get(f"{url}/models").status == 200


def test_nobody_listening_is_said() -> None:
    with pytest.raises(NotConnectedError, match="no connection"):
        get(NOBODY)


@pytest.mark.parametrize(
    "words",
    [
        *(b"SSH-2.0-OpenSSH_9.6\r\n\r\n", b"", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab"),
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100_000,
        b"HTTP/1.1 200 OK\r\n" + b"X: a\r\n" * 100_000 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
    ],
    ids=["ssh", "nothing", "cut", "long_header", "many_headers", "no_chunk", "no_status"],
)
def test_what_is_no_http_or_is_cut_is_a_cut_connection(words: bytes) -> None:
    with speaking(words) as url, pytest.raises(CutError, match=r"connection cut|is no HTTP"):
        get(url)


def said(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


@pytest.mark.parametrize(
    "unasked", [b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n", said(b"stale"), b"?"]
)
def test_what_comes_on_an_idle_connection_is_no_reply_to_the_next_request(unasked: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while asked := await reader.read(65536):
            row = asked.split(b"/")[1].split(b" ")[0]
            writer.write(said(row))
            await asyncio.sleep(0.02)
            writer.write(unasked)
        writer.close()

    async def main() -> list[bytes]:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with server, open_transport([url], {}, 10.0) as transport:
            bodies = []
            for row in range(3):
                bodies.append((await transport.send("GET", f"{url}/{row}", MOST)).body)
                await asyncio.sleep(0.05)
        return bodies

    assert asyncio.run(main()) == [b"0", b"1", b"2"]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    asked: list[str] = []

    async def lead_on(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response(status=status, headers={"Location": "/v1/elsewhere"})

    with serving(lead_on) as url:
        assert get(f"{url}/models").status == status
        with pytest.raises(EngineError, match=f"{status}, it leads to /v1/elsewhere"):
            probe_server(PHI, url, None, None, 0)
    assert "/v1/elsewhere" not in asked


def test_cookies_are_not_kept() -> None:
    sent: list[str | None] = []

    async def set_cookies(request: web.Request) -> web.Response:
        sent.append(request.headers.get("Cookie"))
        return web.Response(headers={"Set-Cookie": "a=b"})

    async def twice(url: str) -> None:
        async with open_transport([url], {}, 10.0) as transport:
            for _ in range(2):
                await transport.send("GET", url, MOST)

    with serving(set_cookies) as url:
        asyncio.run(twice(url))
    assert sent == [None, None]


# Bounds


def test_an_endless_body_is_read_no_further_than_it_may_go() -> None:
    with (
        serving(writing(b'{"choices"', then=for_ever)) as url,
        pytest.raises(BadBodyError, match="longer than 100,000 bytes"),
    ):
        get(url)


def test_a_small_body_that_unpacks_to_gigabytes_is_not_unpacked() -> None:
    packed = gzip.compress(b" " * 10_000_000)
    with (
        serving(writing(*[packed] * 1_000, Content_Encoding="gzip")) as url,
        pytest.raises(BadBodyError, match="longer than 100,000 bytes"),
    ):
        get(url)


def test_nothing_is_asked_to_be_packed_and_what_is_packed_is_read() -> None:
    asked: list[str] = []

    async def pack(request: web.Request) -> web.Response:
        asked.append(request.headers["Accept-Encoding"])
        headers = {"Content-Encoding": "gzip"}
        return web.Response(body=gzip.compress(listing("phi")), headers=headers)

    with serving(pack) as url:
        assert get(url).body == listing("phi")
    assert asked == ["identity"]


@pytest.mark.parametrize("status", [302, 400, 429, 503])
def test_of_an_endless_error_the_beginning_is_read_and_its_status_counts(status: int) -> None:
    with serving(writing(b"no room", then=for_ever, status=status)) as url:
        reply = get(url)
    assert reply.status == status
    assert reply.body.startswith(b"no room")
    assert len(reply.body) == MOST_ERROR_BYTES


def test_an_error_that_cannot_be_unpacked_keeps_its_status() -> None:
    with serving(writing(b"no room", status=503, Content_Encoding="br")) as url:
        assert get(url).status == 503


@pytest.mark.parametrize("then", [drip, for_ever], ids=["drips", "endless"])
def test_a_deadline_holds_for_the_whole_reply(
    then: Callable[[web.StreamResponse], Awaitable[None]],
) -> None:
    began = time.monotonic()
    with serving(writing(b" ", then=then)) as url, pytest.raises(TimeoutError):
        get(url, within_s=0.5, most_bytes=10**12 if then is drip else 10**8 * 20)
    assert time.monotonic() - began < 20


def test_large_replies_are_held_a_few_at_a_time_and_all_come() -> None:
    body = b" " * 2_000_000

    async def main(url: str) -> list[Response]:
        async with open_transport([url], {}, 10.0) as transport, asyncio.TaskGroup() as tasks:
            sent = [tasks.create_task(transport.send("GET", url, 3_000_000)) for _ in range(40)]
        return [task.result() for task in sent]

    with serving(writing(body)) as url:
        assert all(len(reply.body) == len(body) for reply in asyncio.run(main(url)))


def test_the_context_verifies_names_and_chains() -> None:
    context = trusted_certificates()
    assert context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED
