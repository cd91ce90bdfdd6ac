"""Beside the peers: one answer a row from a local server, by the tools users would pick instead.

All ask for the same rows with Phase 1's real prompts, in alternation over several rounds; each
trial is a process of its own in a fresh folder. Every answer of every trial is compared with what
the server says to that row. Then each is killed with ``kill -9`` at half of the rows and started
again, and with ``--wrong`` one row in a hundred fails for good. Linux.

    python performance/peers/compare.py --json figures.json
    python performance/peers/compare.py --plot figures.json docs/images/peers.svg

Each peer has an environment of its own, made from ``NAME.txt`` where it is not there already.
"""

import argparse
import hashlib
import json
import os
import platform
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from process_tree import Cost, cpu_s, measure
from rich.console import Console
from rich.status import Status
from rich.table import Table

_HERE = Path(__file__).absolute().parent
_WIDTH = 132  # of the widest table
_STALL_S = 60.0  # a life in which the server is asked nothing for so long hangs
_LOOK_S = 1.0  # how often that is looked at
_WRONG_EVERY = 100
_WRONG = {"400": "always 400", "500": "always 500", "length": "empty, cut at the limit"}

Figures = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Tool:
    """One way to ask.

    Attributes:
        name: As it is shown.
        script: ``ask_SCRIPT.py``; a peer's pins are in ``SCRIPT.txt``, ours runs as we do.
        ours: It is `sysgen_dagster`.
        prepares: The script prepares a trial's folder, outside of what is measured.
    """

    name: str
    script: str
    ours: bool = False
    prepares: bool = False


TOOLS = (
    Tool("sysgen-dagster", "sysgen_dagster", ours=True, prepares=True),
    Tool("sysgen-dagster's client", "sysgen_client", ours=True),
    Tool("openai, by hand", "openai"),
    Tool("datatrove", "datatrove"),
    Tool("curator", "curator"),
    Tool("data-designer", "data_designer"),
    Tool("distilabel", "distilabel"),
)


class Server:
    """The zero-cost server, which counts what it is asked."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        """Wait until it listens."""
        assert process.stdout is not None
        self.pid, self.root = process.pid, f"http://127.0.0.1:{int(process.stdout.readline())}"

    def reset(self) -> None:
        """Count from zero."""
        request = urllib.request.Request(f"{self.root}/reset", b"", method="POST")  # noqa: S310
        urllib.request.urlopen(request, timeout=10).close()  # noqa: S310 - our own server

    def asked(self) -> Figures:
        """What it has been asked since; see `zero_cost_server`."""
        with urllib.request.urlopen(f"{self.root}/asked", timeout=10) as reply:  # noqa: S310
            counts: Figures = json.load(reply)
        return counts


@contextmanager
def serving(*options: str) -> Iterator[Server]:
    """A server with these options."""
    command = [sys.executable, str(_HERE.parent / "zero_cost_server.py"), "--echo", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Server(process)
        finally:
            process.kill()


def environment(tool: Tool, folder: Path, status: Status) -> Path:
    """The Python of the tool, installed where its pins have changed.

    Raises:
        subprocess.CalledProcessError: It cannot be installed.
    """
    if tool.ours:
        return Path(sys.executable)
    pins = _HERE / f"{tool.script}.txt"
    place = folder.absolute() / tool.script
    python, stamp = place / "bin/python", place / "pins.sha256"
    wanted = hashlib.sha256(pins.read_bytes()).hexdigest()
    if not stamp.is_file() or stamp.read_text() != wanted:
        status.update(f"installing {tool.name}")
        install = [str(python), "-m", "pip", "install", "--quiet", "-r", str(pins)]
        for command in ([sys.executable, "-m", "venv", "--clear", str(place)], install):
            subprocess.run(command, check=True, capture_output=True, text=True)
        stamp.write_text(wanted)
    return python


@dataclass(slots=True)
class _Life:
    """How far one life of a trial is, as the server sees it."""

    server: Server
    half: int | None  # rows at which it ends
    hung: bool = False
    _asked: int = -1
    _asked_at: float = 0.0
    _looked_at: float = 0.0

    def is_over(self, seconds: float) -> bool:
        """Asked with the seconds since its start."""
        if self.half is None and seconds < self._looked_at + _LOOK_S:
            return False
        asked = self.server.asked()
        self._looked_at = seconds
        if asked["asked"] != self._asked:
            self._asked, self._asked_at = asked["asked"], seconds
        self.hung = seconds > self._asked_at + _STALL_S
        return self.hung or (self.half is not None and asked["rows"] >= self.half)


@dataclass(frozen=True, slots=True)
class Bench:
    """What all trials share.

    Attributes:
        rows: The folder of `rows.py`.
        pythons: Of the tools that are installed.
        scratch: Where folders of trials are made, and deleted.
        expected: The text of every row.
        logs: Where the output of trials that failed is kept.
    """

    rows: Path
    pythons: dict[Tool, Path]
    scratch: Path
    expected: dict[str, str]
    logs: Path

    def trial(self, server: Server, tool: Tool, in_flight: int) -> Figures:
        """One run from start to end, and whether its answers are right."""
        with self._folder(server, tool, in_flight) as folder:
            before, server_before = _bytes(folder), cpu_s(server.pid)
            cost, hung = self._live(server, tool, folder, in_flight)
            server_cpu, asked = cpu_s(server.pid) - server_before, server.asked()
            kept = self._kept(server, tool, folder, in_flight)
            figures = asdict(cost) | asked | self._verified(kept)
            rows = len(self.expected)
            figures |= {
                "rows_per_second": rows / cost.wall_s,
                "asked_per_second": (asked["asked"] - 1) / (asked["asking_s"] or cost.wall_s),
                "cpu_ms": 1000 * cost.cpu_s / rows,
                "server_share": server_cpu / (asked["asking_s"] or cost.wall_s),
                "disk_bytes": (_bytes(folder) - before) / rows,
                "outcomes": self._outcomes(kept, cost),
                "hung": hung,
            }
            self._keep_log(tool, folder, figures)
        return figures

    def killed(self, server: Server, tool: Tool, in_flight: int) -> Figures:
        """A run that is killed at half of the rows, and the same command again."""
        half = len(self.expected) // 2
        with self._folder(server, tool, in_flight) as folder:
            first, _ = self._live(server, tool, folder, in_flight, half)
            at_kill = server.asked()["asked"]
            second, hung = self._live(server, tool, folder, in_flight)
            asked = server.asked()
            kept = self._kept(server, tool, folder, in_flight)
            figures = asdict(second) | self._verified(kept)
            figures |= {
                "killed": first.exit_code == -9,
                "hung": hung,
                "goes_on": not second.exit_code,
                "asked_before_kill": at_kill,
                "asked": asked["asked"],
                "sent_again": asked["asked"] - asked["rows"],
            }
            self._keep_log(tool, folder, figures)
        return figures

    @contextmanager
    def _folder(self, server: Server, tool: Tool, in_flight: int) -> Iterator[Path]:
        """A fresh folder, and a server that counts from zero."""
        with tempfile.TemporaryDirectory(dir=self.scratch, ignore_cleanup_errors=True) as name:
            folder = Path(name) / "trial"
            folder.mkdir()
            if tool.prepares:
                self._run(server, tool, folder, in_flight, "--prepare")
            server.reset()
            yield folder

    def _command(self, server: Server, tool: Tool, folder: Path, in_flight: int) -> list[str]:
        return [
            *(str(self.pythons[tool]), str(_HERE / f"ask_{tool.script}.py")),
            *("--url", f"{server.root}/v1", "--rows", str(self.rows / "rows.jsonl")),
            *("--folder", str(folder), "--in-flight", str(in_flight)),
        ]

    def _live(
        self,
        server: Server,
        tool: Tool,
        folder: Path,
        in_flight: int,
        half: int | None = None,
    ) -> tuple[Cost, bool]:
        """One life, which ends with the tool, at so many rows, or when it hangs; and whether so."""
        life = _Life(server, half)
        command = self._command(server, tool, folder, in_flight)
        return measure(command, _environment(folder), folder, server.pid, life.is_over), life.hung

    def _run(self, server: Server, tool: Tool, folder: Path, in_flight: int, *options: str) -> None:
        """The script with other options, outside of what is measured."""
        command = [*self._command(server, tool, folder, in_flight), *options]
        with (folder / "output.txt").open("ab") as output:
            subprocess.run(
                command, cwd=folder, env=_environment(folder), stdout=output, stderr=output
            )

    def _kept(
        self, server: Server, tool: Tool, folder: Path, in_flight: int
    ) -> list[dict[str, str | None]]:
        """The answers that the tool has kept, read by its own script; none where it cannot."""
        target = folder.parent / "kept.jsonl"
        self._run(server, tool, folder, in_flight, f"--answers={target}")
        if not target.exists():
            return []
        return [json.loads(line) for line in target.read_text().splitlines()]

    def _verified(self, kept: Sequence[dict[str, str | None]]) -> dict[str, int]:
        """How many rows have the right answer, a wrong one, none, or more than one."""
        texts = {each["row"]: each["text"] for each in kept}
        right = sum(texts.get(row) == text for row, text in self.expected.items())
        missing = len(self.expected.keys() - texts.keys())
        return {
            "right": right,
            "wrong": len(texts) - right,
            "missing": missing,
            "twice": len(kept) - len(texts),
        }

    def _outcomes(self, kept: Sequence[dict[str, str | None]], cost: Cost) -> dict[str, int]:
        """Where the rows ended that are not answered, by what is kept of each."""
        texts = {str(each["row"]): each for each in kept}
        outcomes: dict[str, int] = {"run failed": 1} if cost.exit_code else {}
        for row, text in self.expected.items():
            each = texts.get(row)
            if each is None:
                outcome = "not in the output"
            elif each["text"] == text:
                continue
            else:
                outcome = f"kept: {each['reason']}" if each["reason"] else "kept as an answer"
            outcomes[outcome] = outcomes.get(outcome, 0) + 1
        return outcomes

    def _keep_log(self, tool: Tool, folder: Path, figures: Figures) -> None:
        """What a trial printed whose answers are not all right."""
        if figures["right"] < len(self.expected):
            self.logs.mkdir(parents=True, exist_ok=True)
            shutil.copy(folder / "output.txt", self.logs / f"{tool.script}.txt")


def _environment(folder: Path) -> dict[str, str]:
    """Ours, with every cache inside the folder, no telemetry and no look-ups on the Hub."""
    home = {"HOME": folder, "XDG_CACHE_HOME": folder / "cache", "HF_HOME": folder / "cache/hf"}
    quiet = {"HF_HUB_OFFLINE": "1", "DO_NOT_TRACK": "1", "PYTHONWARNINGS": "ignore"}
    return {**os.environ, **{name: str(path) for name, path in home.items()}, **quiet}


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _installed(
    tools: Sequence[Tool], folder: Path, console: Console, status: Status
) -> dict[Tool, Path]:
    """The Pythons of the tools that can be installed; of the others it is said why not."""
    pythons = {}
    for tool in tools:
        try:
            pythons[tool] = environment(tool, folder, status)
        except subprocess.CalledProcessError as error:
            console.print(f"Left out: {tool.name} cannot be installed:", style="red")
            console.print(error.stderr.strip().splitlines()[-1], markup=False)
    return pythons


def _make_rows(rows: int, folder: Path) -> dict[str, str]:
    """The files of `rows.py`; returns the text that is expected of every row."""
    command = [sys.executable, str(_HERE / "rows.py"), f"--rows={rows}", f"--folder={folder}"]
    subprocess.run(command, check=True)
    with (folder / "answers.jsonl").open() as lines:
        return {each["row"]: each["text"] for each in map(json.loads, lines)}


def _versions(pythons: dict[Tool, Path]) -> dict[str, str]:
    """What each tool's environment holds of it."""
    code = "from importlib.metadata import version; import sys; print(version(sys.argv[1]))"
    package = {"curator": "bespokelabs-curator", "openai": "openai"}
    versions = {}
    for tool, python in pythons.items():
        name = "sysgen-dagster" if tool.ours else package.get(tool.script, tool.script)
        asked = [str(python), "-c", code, name]
        done = subprocess.run(asked, capture_output=True, text=True, check=True)
        versions[tool.name] = done.stdout.strip()
    return versions


def _commit_ms(folder: Path, times: int = 50) -> float:
    """The median time of a commit of SQLite, for which some tools wait once a row."""
    taken = []
    with closing(sqlite3.connect(folder / "commits.sqlite3")) as database:
        database.execute("CREATE TABLE rows (text TEXT)")
        for _ in range(times):
            started = time.perf_counter()
            database.execute("INSERT INTO rows VALUES (?)", ("x" * 1000,))
            database.commit()
            taken.append(time.perf_counter() - started)
    return 1000 * median(taken)


def machine(scratch: Path) -> dict[str, str]:
    """What the figures depend on besides the code."""
    model = Path("/proc/cpuinfo").read_text().partition("model name")[2].partition("\n")[0]
    return {
        "cpu": model.strip("\t :") or platform.machine(),
        "cores": str(len(os.sched_getaffinity(0))),
        "python": platform.python_version(),
        "load before": f"{os.getloadavg()[0]:.1f}",
        "ms to commit in SQLite": f"{_commit_ms(scratch):.1f}",
    }


def cost_table(trials: Sequence[Figures], title: str) -> Table:
    """One line a tool: median, and the least and the most of the rounds."""
    table = Table(title=title, title_justify="left", caption_justify="left")
    table.add_column("tool", no_wrap=True)
    columns: dict[str, tuple[str, Callable[[float], str]]] = {
        "rows/s": ("rows_per_second", "{:,.0f}".format),
        "requests/s\nwhile asking": ("asked_per_second", "{:,.0f}".format),
        "CPU ms\na row": ("cpu_ms", "{:.2f}".format),
        "peak MB": ("peak_mb", "{:,.0f}".format),
        "kB on disk\na row": ("disk_bytes", lambda value: f"{value / 1000:.1f}"),
        "most in\nflight": ("most_in_flight", "{:.0f}".format),
        "server's\nCPU": ("server_share", "{:.0%}".format),
    }
    for name in (*columns, "answers"):
        table.add_column(name, justify="right", no_wrap=True)
    for tool, rounds in _by_tool(trials).items():
        cells = [_spread(rounds, key, shown) for key, shown in columns.values()]
        table.add_row(tool, *cells, _answers(rounds))
    table.caption = (
        "rows/s, CPU and peak memory: the whole process and all it starts, from its start to its "
        "end.\nrequests/s: from the first request to the last. Memory: RSS of one process, PSS of "
        "several.\nMedian (least-most) of the rounds."
    )
    return table


def killed_table(trials: Sequence[Figures], title: str) -> Table:
    """One line a tool: requests sent again, and whether all answers were there at the end."""
    table = Table(title=title, title_justify="left")
    table.add_column("tool", no_wrap=True)
    for name in ("sent again", "asked before the kill", "s of the second life", "answers"):
        table.add_column(name, justify="right", no_wrap=True)
    for tool, rounds in _by_tool(trials).items():
        whole = [each for each in rounds if each["goes_on"]]
        before = _spread(rounds, "asked_before_kill", "{:,.0f}".format)
        if whole:
            again = _spread(whole, "sent_again", "{:,.0f}".format)
            table.add_row(
                tool, again, before, _spread(whole, "wall_s", "{:.1f}".format), _answers(rounds)
            )
        else:
            table.add_row(tool, "does not go on", before, "", _answers(rounds))
    return table


def wrong_table(trials: Sequence[Figures], title: str) -> Table:
    """One line a tool and fault: where the rows ended."""
    table = Table(title=title, title_justify="left")
    for name in ("tool", "fault"):
        table.add_column(name, no_wrap=True)
    for name in ("asked", "right answers"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("the others")
    for each in sorted(trials, key=lambda each: _order(each["tool"])):
        said = ", ".join(
            outcome if outcome == "run failed" else f"{outcome} {count:,}"
            for outcome, count in each["outcomes"].items()
        )
        shown = (f"{each[key]:,}" for key in ("asked", "right"))
        table.add_row(each["tool"], _WRONG[each["fault"]], *shown, said)
    return table


def _order(name: str) -> int:
    return [tool.name for tool in TOOLS].index(name)


def _by_tool(trials: Sequence[Figures]) -> dict[str, list[Figures]]:
    rounds: dict[str, list[Figures]] = {}
    for each in sorted(trials, key=lambda each: _order(each["tool"])):
        rounds.setdefault(each["tool"], []).append(each)
    return rounds


def _answers(rounds: Sequence[Figures]) -> str:
    """What is not as it should be, of all rounds together."""
    counts = {key: sum(each[key] for each in rounds) for key in ("missing", "wrong", "twice")}
    hung = sum(each["hung"] for each in rounds)
    failed = sum(bool(each["exit_code"]) for each in rounds) - hung
    faults = [f"{count:,} {key}" for key, count in counts.items() if count]
    faults += [f"{count} {what}" for count, what in ((hung, "hung"), (failed, "failed")) if count]
    return ", ".join(faults) or "all right"


def _spread(rounds: Sequence[Figures], name: str, shown: Callable[[float], str]) -> str:
    values = [each[name] for each in rounds]
    low, middle, high = shown(min(values)), shown(median(values)), shown(max(values))
    return middle if low == high else f"{middle} ({low}-{high})"


def measure_all(
    bench: Bench, options: argparse.Namespace, status: Status
) -> dict[str, list[Figures]]:
    """The figures of every trial, in alternation."""
    found: dict[str, list[Figures]] = {"trials": [], "killed": [], "wrong": []}
    tools = list(bench.pythons)
    with serving(f"--latency-ms={options.latency_ms}") as server:
        for number in range(1, options.rounds + 1):
            for in_flight in options.in_flight:
                for tool in tools:
                    status.update(f"round {number}: {tool.name}, {in_flight} in flight")
                    about = {"tool": tool.name, "round": number, "in_flight": in_flight}
                    found["trials"].append(about | bench.trial(server, tool, in_flight))
            for tool in tools if options.kill else ():
                status.update(f"round {number}: {tool.name}, killed")
                about = {"tool": tool.name, "round": number, "in_flight": options.in_flight[0]}
                killed = bench.killed(server, tool, options.in_flight[0])
                found["killed"].append(about | killed)
    for fault in _WRONG if options.wrong else ():
        wrong = (f"--wrong={fault}", f"--wrong-every={_WRONG_EVERY}")
        with serving(f"--latency-ms={options.latency_ms}", *wrong) as server:
            for tool in tools:
                status.update(f"{_WRONG[fault]}: {tool.name}")
                about = {"tool": tool.name, "fault": fault}
                found["wrong"].append(about | bench.trial(server, tool, options.in_flight[0]))
    return found


def show(console: Console, figures: Figures) -> None:
    """The tables."""
    work = figures["work"]
    console.print("; ".join(f"{name} {value}" for name, value in figures["machine"].items()))
    console.print("; ".join(f"{name} {value}" for name, value in figures["versions"].items()))
    rows = f"{work['rows']:,} rows, answered after {work['latency_ms']:g} ms"
    for in_flight in work["in_flight"]:
        trials = [each for each in figures["trials"] if each["in_flight"] == in_flight]
        if trials:
            console.print(cost_table(trials, f"{rows}, {in_flight} in flight"))
    if figures["killed"]:
        title = f"{rows}, {work['in_flight'][0]} in flight, killed at half and started again"
        console.print(killed_table(figures["killed"], title))
    if figures["wrong"]:
        title = f"{rows}; one row in {_WRONG_EVERY} fails for good"
        console.print(wrong_table(figures["wrong"], title))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--rows", type=int, default=5_000)
    add("--rounds", type=int, default=3, help="0: only --wrong")
    add("--in-flight", type=int, nargs="+", default=[64, 256], help="kills take the first")
    add("--latency-ms", type=float, default=50.0)
    add("--tools", nargs="+", choices=[tool.script for tool in TOOLS], help="all when left out")
    add("--environments", type=Path, default=Path(".venv-peers"))
    add("--kill", action=argparse.BooleanOptionalAction, default=True)
    add("--wrong", action="store_true", help="rows that fail for good, too")
    add("--json", type=Path, help="where all figures are written")
    add("--logs", type=Path, default=Path(".venv-peers/logs"), help="of trials that failed")
    add("--show", type=Path, metavar="JSON", help="the tables of earlier figures, nothing else")
    add("--plot", type=Path, nargs=2, metavar=("JSON", "SVG"), help="draw, nothing else")
    return parser


def main() -> None:
    """Measure, print, and write the figures down."""
    options = _parser().parse_args()
    console = Console()
    console.width = max(console.width, _WIDTH)
    if options.show:
        show(console, json.loads(options.show.read_text()))
        return
    if options.plot:
        from chart import draw  # needs the extra `report`

        figures, target = options.plot
        target.write_text(draw(json.loads(figures.read_text())))
        return
    tools = [tool for tool in TOOLS if not options.tools or tool.script in options.tools]
    with tempfile.TemporaryDirectory() as scratch, console.status("making rows") as status:
        rows = Path(scratch) / "rows"
        expected = _make_rows(options.rows, rows)
        pythons = _installed(tools, options.environments, console, status)
        bench = Bench(rows, pythons, Path(scratch), expected, options.logs)
        about = {"machine": machine(Path(scratch)), "versions": _versions(pythons)}
        found = measure_all(bench, options, status)
    work = {name: getattr(options, name) for name in ("rows", "rounds", "in_flight", "latency_ms")}
    figures = {**about, "work": work, **found}
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n")
    show(console, figures)


if __name__ == "__main__":
    main()
