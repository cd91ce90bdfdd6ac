"""The simulated model as a process: `python -m sysgen_dagster.simulated.server`."""

from typing import Any

import click
from aiohttp import web

from sysgen_dagster.catalog.models import CONTEXT_TOKENS
from sysgen_dagster.simulated.app import Settings, SimulatedModel
from sysgen_dagster.simulated.faults import Fault
from sysgen_dagster.simulated.profiles import EVERY_PROFILE
from sysgen_dagster.simulated.thinking import FORMS

# Seconds that open requests get to end at shutdown. A simulated timeout holds its request open for
# a minute, and the process must not wait for it.
_SHUTDOWN_S = 1.0
_LONGEST_MS = 3_600_000.0  # of an answer


class _Pair(click.ParamType[tuple[Any, Any]]):
    """NAME=VALUE with a type for either side; a name may itself hold an equals sign."""

    name = "NAME=VALUE"

    def __init__(self, names: click.ParamType[Any], values: click.ParamType[Any]) -> None:
        self._names, self._values = names, values

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[Any, Any]:
        """The two sides."""
        name, _, given = value.rpartition("=")
        if not (name and given):
            self.fail(f"expected NAME=VALUE, got {value!r}", param, ctx)
        return self._names.convert(name, param, ctx), self._values.convert(given, param, ctx)


_PROFILE_OF_NAME = _Pair(click.STRING, click.Choice(list(EVERY_PROFILE)))
_RATE_OF_FAULT = _Pair(click.Choice([fault.value for fault in Fault]), click.FLOAT)


@click.command(context_settings={"show_default": True})
@click.option("--host", default="127.0.0.1")
@click.option("--port", type=click.IntRange(0, 65_535), default=8123)
@click.option(
    "--model",
    multiple=True,
    required=True,
    type=_PROFILE_OF_NAME,
    metavar="SERVED_NAME=PROFILE",
    help="A model to serve and how it fails; may be repeated. Profiles: "
    f"{', '.join(EVERY_PROFILE)}.",
)
@click.option(
    "--max-model-len",
    type=click.IntRange(min=1),
    default=CONTEXT_TOKENS,
    help="Tokens of prompt and answer.",
)
@click.option(
    "--latency-ms",
    type=click.FloatRange(min=0, max=_LONGEST_MS),
    default=0.0,
    help="Time that each answer takes.",
)
@click.option(
    "--capacity",
    type=click.IntRange(min=1),
    help="Requests that are worked on at once; further ones wait for their turn.",
)
@click.option(
    "--reject-above",
    type=click.IntRange(min=1),
    help="Requests in the server, waiting ones too, at which another one gets 429.",
)
@click.option(
    "--fault",
    multiple=True,
    type=_RATE_OF_FAULT,
    metavar="KIND=RATE",
    help=f"Share of requests that fail so; may be repeated. Kinds: {', '.join(Fault)}.",
)
@click.option(
    "--no-system-role",
    multiple=True,
    metavar="SERVED_NAME",
    help="A model whose chat template refuses system messages; may be repeated.",
)
@click.option(
    "--drops-system-role",
    multiple=True,
    metavar="SERVED_NAME",
    help="A model whose chat template leaves system messages out silently; may be repeated.",
)
@click.option("--no-tokenizer", is_flag=True, help="Have no /tokenize, as Ollama.")
@click.option(
    "--no-structured-outputs",
    is_flag=True,
    help="Ignore `structured_outputs`, as most servers but vLLM do.",
)
@click.option(
    "--no-prompt-logprobs",
    is_flag=True,
    help="Give probabilities for what is written alone, as llama.cpp's server does.",
)
@click.option(
    "--thinks",
    type=click.Choice(list(FORMS)),
    help="Its models think before they answer, and show it as this family of models does.",
)
def main(host: str, port: int, **options: Any) -> None:
    """Serve an OpenAI-compatible API without a model, until SIGTERM or SIGINT."""
    settings = Settings(
        models=dict(options["model"]),
        max_model_len=options["max_model_len"],
        latency_s=options["latency_ms"] / 1000,
        capacity=options["capacity"],
        reject_above=options["reject_above"],
        faults={Fault(kind): rate for kind, rate in options["fault"]},
        without_system_role=frozenset(options["no_system_role"]),
        drops_system_role=frozenset(options["drops_system_role"]),
        has_tokenizer=not options["no_tokenizer"],
        obeys_constraints=not options["no_structured_outputs"],
        has_prompt_logprobs=not options["no_prompt_logprobs"],
        thinks=FORMS[options["thinks"]] if options["thinks"] else None,
    )
    try:
        app = SimulatedModel(settings).app()
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    click.echo(f"Simulated, no model behind them: {', '.join(settings.models)}")
    web.run_app(
        app,
        host=host,
        port=port,
        access_log=None,
        handler_cancellation=True,
        shutdown_timeout=_SHUTDOWN_S,
    )


if __name__ == "__main__":
    main()
