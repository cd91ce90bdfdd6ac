"""A server that is healthy and nothing else, run by path: `healthy_server.py [OPTIONS] PORT`."""

import argparse
import http.server
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path


class Healthy(http.server.BaseHTTPRequestHandler):
    """Answers every GET with its models and every chat with yes, but not as many as a file says."""

    hangs: Path | None = None
    drops: Path | None = None
    busy: Path | None = None
    killed_when_probed: Path | None = None

    def do_GET(self) -> None:
        if self.path == "/v1/models" and is_counted_down(self.killed_when_probed):
            os.kill(os.getpid(), signal.SIGKILL)
        if is_counted_down(self.hangs):
            time.sleep(600)
        if is_counted_down(self.drops):
            self.close_connection = True
            return
        self.reply(b'{"data": [{"id": "phi"}]}')

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        if self.path != "/v1/chat/completions":
            self.send_error(404)
            return
        if is_counted_down(self.busy):
            self.send_error(503)
            return
        self.reply(b'{"choices": [{"message": {"content": "Yes."}, "finish_reason": "stop"}]}')

    def reply(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def is_counted_down(file: Path | None) -> bool:
    """Whether the number in the file was not 0; it is one less then."""
    left = int(file.read_text()) if file else 0
    if file and left:
        file.write_text(str(left - 1))
    return bool(left)


def wait_while(file: Path | None) -> None:
    """Return when the file is removed."""
    while file and file.exists():
        time.sleep(0.01)


def start_ranks(count: int) -> list[subprocess.Popen[bytes]]:
    """Processes of their own, one a GPU, as vLLM has; the server ends when one of them does."""

    def end_with(rank: subprocess.Popen[bytes]) -> None:
        rank.wait()
        os._exit(1)

    work = "import time; time.sleep(600)  # a rank"
    ranks = [subprocess.Popen([sys.executable, "-c", work]) for _ in range(count)]
    for rank in ranks:
        threading.Thread(target=end_with, args=(rank,), daemon=True).start()
    return ranks


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--load-s", type=float, default=0.0, help="time before it answers")
    parser.add_argument("--loads-while", type=Path, help="does not answer while this file exists")
    parser.add_argument("--ends-while", type=Path, help="does not end while this file exists")
    parser.add_argument("--needs", help="an environment variable without which it dies")
    parser.add_argument("--hangs", type=Path, help="holds the number of requests to hang at")
    parser.add_argument("--drops", type=Path, help="holds the number of requests not to answer")
    parser.add_argument("--busy", type=Path, help="holds the number of chats it has no room for")
    parser.add_argument("--killed", type=Path, help="holds how often it is killed as it loads")
    parser.add_argument("--by", default="SIGKILL", help="the signal that kills it")
    parser.add_argument("--killed-when-probed", type=Path, help="the same when it is asked")
    parser.add_argument("--shows-environment", type=Path, help="to which file it is written")
    parser.add_argument("--ranks", type=int, default=0, help="how many processes it starts")
    parser.add_argument("port", type=int)
    options = parser.parse_args()
    ranks: list[subprocess.Popen[bytes]] = []

    def end(*_: object) -> None:
        print("got SIGTERM", flush=True)
        wait_while(options.ends_while)
        for rank in ranks:
            rank.terminate()
        print("ended by itself", flush=True)
        sys.exit(0)

    signal.signal(signal.SIGTERM, end)
    if options.needs and options.needs not in os.environ:
        sys.exit(f"out of memory: {options.needs} is not set")
    if options.shows_environment:
        options.shows_environment.write_text(json.dumps(dict(os.environ)))
    if is_counted_down(options.killed):
        if options.by != "SIGKILL":
            signal.signal(signal.Signals[options.by], signal.SIG_DFL)
        os.kill(os.getpid(), signal.Signals[options.by])
    ranks += start_ranks(options.ranks)
    wait_while(options.loads_while)
    time.sleep(options.load_s)
    Healthy.hangs, Healthy.drops, Healthy.busy = options.hangs, options.drops, options.busy
    Healthy.killed_when_probed = options.killed_when_probed
    http.server.ThreadingHTTPServer(("127.0.0.1", options.port), Healthy).serve_forever()


if __name__ == "__main__":
    main()
