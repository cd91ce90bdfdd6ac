"""The simulated model as a process: `python -m sysgen_dagster.simulated.server`."""

import argparse
from collections.abc import Sequence

from aiohttp import web

from sysgen_dagster.catalog.models import CONTEXT_TOKENS
from sysgen_dagster.simulated.app import Settings, SimulatedModel
from sysgen_dagster.simulated.faults import Fault
from sysgen_dagster.simulated.profiles import PROFILES

_SHUTDOWN_S = (
    1.0  # requests that are still waiting, as a simulated timeout does, are not waited for
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until SIGTERM or SIGINT."""
    parser = _parser()
    options = parser.parse_args(arguments)
    settings = Settings(
        models=dict(options.model),
        max_model_len=options.max_model_len,
        latency_s=options.latency_ms / 1000,
        capacity=options.capacity,
        reject_above=options.reject_above,
        faults=dict(options.fault),
        without_system_role=frozenset(options.no_system_role),
        drops_system_role=frozenset(options.drops_system_role),
        has_tokenizer=not options.no_tokenizer,
        obeys_constraints=not options.no_structured_outputs,
    )
    for option in ("no_system_role", "drops_system_role"):
        unknown = set(getattr(options, option)) - settings.models.keys()
        if unknown:
            name = option.replace("_", "-")
            parser.error(f"--{name} names models that are not served: {sorted(unknown)}")
    try:
        app = SimulatedModel(settings).app()
    except ValueError as error:
        parser.error(str(error))
    print(f"Simulated, no model behind them: {', '.join(settings.models)}", flush=True)
    web.run_app(
        app,
        host=options.host,
        port=options.port,
        access_log=None,
        handler_cancellation=True,
        shutdown_timeout=_SHUTDOWN_S,
    )


def _parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(description="An OpenAI-compatible server without a model.")
    add = parser.add_argument
    add("--host", default="127.0.0.1")
    add("--port", type=int, default=8123)
    add(
        "--model",
        action="append",
        required=True,
        type=_served_model,
        metavar="SERVED_NAME=PROFILE",
        help=f"a model to serve and how it fails; profiles: {', '.join(PROFILES)}",
    )
    add("--max-model-len", type=int, default=CONTEXT_TOKENS, metavar="TOKENS")
    add("--latency-ms", type=float, default=0.0, help="time that each answer takes")
    add(
        "--capacity",
        type=int,
        metavar="N",
        help="requests that are worked on at once; others wait for their turn",
    )
    add(
        "--reject-above",
        type=int,
        metavar="N",
        help="requests in the server, waiting ones too, at which another one gets 429",
    )
    add(
        "--fault",
        action="extend",
        nargs="+",
        default=[],
        type=_fault_rate,
        metavar="KIND=RATE",
        help=f"share of requests that fail so; kinds: {', '.join(Fault)}",
    )
    add(
        "--no-system-role",
        action="append",
        default=[],
        metavar="SERVED_NAME",
        help="a model whose chat template refuses system messages",
    )
    add(
        "--drops-system-role",
        action="append",
        default=[],
        metavar="SERVED_NAME",
        help="a model whose chat template leaves system messages out and says nothing",
    )
    add("--no-tokenizer", action="store_true", help="no /tokenize, as with Ollama")
    add(
        "--no-structured-outputs",
        action="store_true",
        help="ignore that field, as most servers but vLLM do",
    )
    return parser


def _pair(text: str) -> tuple[str, str]:
    """The two sides of NAME=VALUE, where the name may hold an equals sign itself."""
    name, equals, value = text.rpartition("=")
    if not (name and equals and value):
        raise argparse.ArgumentTypeError(f"expected NAME=VALUE, got {text!r}")
    return name, value


def _served_model(text: str) -> tuple[str, str]:
    """A served name and its profile."""
    name, profile = _pair(text)
    if profile not in PROFILES:
        raise argparse.ArgumentTypeError(f"no profile {profile!r}: use one of {list(PROFILES)}")
    return name, profile


def _fault_rate(text: str) -> tuple[Fault, float]:
    """A fault and the share of requests that meet it."""
    kind, rate = _pair(text)
    try:
        return Fault(kind), float(rate)
    except ValueError as error:
        kinds = ", ".join(Fault)
        raise argparse.ArgumentTypeError(f"{error}; faults are {kinds}") from error


if __name__ == "__main__":
    main()
