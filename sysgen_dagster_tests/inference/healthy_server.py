"""A server that is healthy and nothing else, run by path: `healthy_server.py [OPTIONS] PORT`."""

import argparse
import http.server
import os
import signal
import sys
import time
from pathlib import Path


class Healthy(http.server.BaseHTTPRequestHandler):
    """Answers every GET as if it were asked for its models, but hangs at as many as a file says."""

    hangs: Path | None = None

    def do_GET(self) -> None:
        if self.hangs is not None and (left := int(self.hangs.read_text())):
            self.hangs.write_text(str(left - 1))
            time.sleep(60)
        body = b'{"data": [{"id": "phi"}]}'
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.send_error(404)

    def log_message(self, *_: object) -> None:
        pass


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--load-s", type=float, default=0.0, help="time before it answers")
    parser.add_argument("--end-s", type=float, default=0.0, help="time it takes to end")
    parser.add_argument("--needs", help="an environment variable without which it dies")
    parser.add_argument("--hangs", type=Path, help="holds the number of requests to hang at")
    parser.add_argument("port", type=int)
    options = parser.parse_args()

    def end(*_: object) -> None:
        print("told to end", flush=True)
        time.sleep(options.end_s)
        print("ended by itself", flush=True)
        sys.exit(0)

    signal.signal(signal.SIGTERM, end)
    if options.needs and options.needs not in os.environ:
        sys.exit(f"out of memory: {options.needs} is not set")
    time.sleep(options.load_s)
    Healthy.hangs = options.hangs
    http.server.ThreadingHTTPServer(("127.0.0.1", options.port), Healthy).serve_forever()


if __name__ == "__main__":
    main()
