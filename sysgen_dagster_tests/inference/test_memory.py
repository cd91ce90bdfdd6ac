"""Memory of a process that is sent the largest replies there are."""

import gzip
import json
import subprocess
import sys
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from sysgen_dagster.chat.drop_reasons import NoAnswer
from sysgen_dagster_tests.inference.odd_servers import (
    Handler,
    completion,
    for_ever,
    serving,
    writing,
)
from sysgen_dagster_tests.inference.processes import CEILING_S

MOST_MB = 1_000
MB = 10**6
# The peak is read from /proc: that of `getrusage` begins with the one of the test process.
ASKING = r"""
import json, re, sys
from pathlib import Path
from sysgen_dagster.errors import SysgenError
from sysgen_dagster.inference.chat_api import ModelIdentity
from sysgen_dagster.inference.ledger import Ledger
from sysgen_dagster.inference.probing import probe_server
from sysgen_dagster_tests.inference.batches import ask, endpoint_at, questions

for name, url in json.loads(sys.argv[1]).items():
    endpoint = endpoint_at(url, starts_with=64, patience_s=60.0)
    said, outcomes = [], []
    try:
        rows = ask(endpoint, questions(6), Ledger(Path(sys.argv[2]) / name / "asked.jsonl"))
        said += rows["failure"].drop_nulls().to_list()
        said += rows["finish_reason"].drop_nulls().to_list()
        outcomes = rows["failed_because"].unique().to_list()
    except SysgenError as error:  # all were refused
        said.append(str(error))
    try:
        probe_server(ModelIdentity("phi-4", "phi", None, "endpoint"), url, None, None, 0)
    except SysgenError as error:
        said.append(str(error))
    peak = int(re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[1]) // 1024
    print(name, peak, max(map(len, said)), *outcomes, flush=True)
"""


def packed(wbits: int) -> list[bytes]:
    """Half a gigabyte of blanks, in half a megabyte."""
    packer = zlib.compressobj(level=1, wbits=wbits)
    return [*[packer.compress(b" " * 100 * MB) for _ in range(5)], packer.flush()]


def ended_by(reason: str) -> bytes:
    answer = completion("Because.")
    answer["choices"][0]["finish_reason"] = reason
    return json.dumps(answer).encode()


def names(length: int) -> bytes:
    return json.dumps({"data": [{"id": "m" * length + str(n)} for n in range(100_000)]}).encode()


def huge_replies() -> Iterator[tuple[str, Handler]]:
    gzipped = packed(31)
    yield "endless", writing(b'{"choices": [', then=for_ever)
    yield "endless_error", writing(b"no", then=for_ever, status=400)
    yield "gzip", writing(*gzipped, Content_Encoding="gzip")
    yield "gzip_error", writing(*gzipped, Content_Encoding="gzip", status=400)
    yield "deflate", writing(*packed(15), Content_Encoding="deflate")
    yield "gzip_parts", writing(*[gzip.compress(b" " * MB)] * 2_000, Content_Encoding="gzip")
    yield "long_answer", writing(json.dumps(completion("x" * 20 * MB)).encode())
    yield "largest_answer", writing(json.dumps(completion("x" * MB)).encode())
    yield "long_reason", writing(ended_by("x" * 5 * MB))
    yield "largest_reason", writing(ended_by("x" * MB))
    yield "lists", writing(b'{"choices": [' + b"[]," * 100_000 + b"0]}")
    yield "deep", writing(b"[" * MB)
    yield "names", writing(names(40))
    yield "long_names", writing(names(200))


def test_no_reply_takes_more_memory_than_a_process_may_have(tmp_path: Path) -> None:
    with ExitStack() as servers:
        urls = {name: servers.enter_context(serving(each)) for name, each in huge_replies()}
        command = [sys.executable, "-c", ASKING, json.dumps(urls), str(tmp_path)]
        printed = subprocess.run(command, capture_output=True, text=True, timeout=CEILING_S)
    assert printed.returncode == 0, printed.stderr[-2_000:]
    lines = [line.split() for line in printed.stdout.splitlines()]
    assert [name for name, *_ in lines] == list(urls)
    assert max(int(peak) for _, peak, *_ in lines) < MOST_MB
    assert max(int(longest) for _, _, longest, *_ in lines) < 5_000
    outcomes = {name: reasons for name, _, _, *reasons in lines}
    for name in ("endless", "gzip", "deflate", "gzip_parts", "long_answer", "long_reason"):
        assert outcomes[name] == [NoAnswer.MALFORMED_REPLY]
    for name in ("largest_answer", "largest_reason"):
        assert outcomes[name] == ["None"]
