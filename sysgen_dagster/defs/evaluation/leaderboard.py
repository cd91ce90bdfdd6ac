"""Leaderboard tasks: lm-evaluation-harness asks the server of a subject, in a process of its own.

Its own cache is the ledger of these answers: what was answered is not asked again.
"""

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl

from sysgen_dagster.catalog.models import Engine, Model
from sysgen_dagster.defs.evaluation.asking import pool_of_subjects
from sysgen_dagster.defs.plumbing.assets import table_asset
from sysgen_dagster.defs.plumbing.metadata import SIMULATED, markdown
from sysgen_dagster.defs.plumbing.partitions import CATALOG
from sysgen_dagster.defs.plumbing.table_io import AssetRun
from sysgen_dagster.evaluation.leaderboard.command import (
    RESULTS,
    TASK_FILES,
    Served,
    build_command,
    environment_of_harness,
    model_arguments,
)
from sysgen_dagster.evaluation.leaderboard.data import find_data
from sysgen_dagster.evaluation.leaderboard.harness import Harness, require_harness
from sysgen_dagster.evaluation.leaderboard.results import left_out, read_results
from sysgen_dagster.evaluation.leaderboard.running import run_until_done
from sysgen_dagster.evaluation.leaderboard.suite import ANSWERS, SUITE, describe_protocol
from sysgen_dagster.evaluation.leaderboard.tables import Dropped
from sysgen_dagster.evaluation.leaderboard.task_files import Data, write_task_files
from sysgen_dagster.evaluation.leaderboard.tasks import PROFILES, Asks, HarnessTask, choose_tasks
from sysgen_dagster.evaluation.scores import score_items
from sysgen_dagster.inference.chat_api import Endpoint, EngineError
from sysgen_dagster.inference.engines import Engines
from sysgen_dagster.inference.local.environment import environment_of_servers

# vLLM gives other log-probabilities for a prompt whose beginning lies in its cache
# (vllm-project/vllm #42019).
_NO_PREFIX_CACHE = {"enable-prefix-caching": False}


@dataclass(frozen=True, slots=True)
class _Plan:
    """A task that is going to be run, with its data."""

    task: HarnessTask
    data: Data


@table_asset(
    SUITE.gradings,
    reads=[],
    kinds={"huggingface"},
    pool=pool_of_subjects(),
    asks=True,
)
def leaderboard_gradings(run: AssetRun) -> pl.DataFrame:
    """What each item of each task is worth, by lm-evaluation-harness; 1: right, 0: wrong."""
    home = run.tables.working_folder() / ANSWERS
    environment = environment_of_servers(os.environ, downloads=True)
    environment |= {name: os.environ[name] for name in ("NLTK_DATA",) if name in os.environ}
    harness, settings = require_harness(environment), CATALOG.evaluation.leaderboard
    noted = {"profile": settings.profile.value, "versions": json.dumps(harness.versions)}
    plans, frames = _plan(run, harness, home, noted)
    if plans:
        model = for_likelihoods(CATALOG.model_of_subject(run.subject.name))
        assert run.models is not None, "the asset asks"
        engines = run.models.engines()
        with engines.connection(model, run.context.log.info) as connection:
            endpoint = connection.connect()
            if any(plan.task.asks is Asks.LIKELIHOOD for plan in plans):
                # Here, because `openai` costs every start of the code location 0.6 s.
                from sysgen_dagster.inference.prompt_logprobs import require_prompt_logprobs

                require_prompt_logprobs(endpoint)
            served = _served(model, engines, endpoint)
            key = environment_of_harness(environment, endpoint.api_key, home / "datasets")
            folder = home / run.subject.name
            for plan in plans:
                frames.append(_run_task(run, plan, harness, served, folder, key, endpoint, noted))
        if endpoint.model.engine == Engine.SIMULATED:
            run.note(simulated=SIMULATED)
    gradings = pl.concat(frames)
    run.note(versions=harness.versions, left_out=_describe_left_out(gradings))
    return gradings


@table_asset(SUITE.scores, reads=[SUITE.gradings], kinds={"polars"})
def leaderboard_scores(run: AssetRun) -> pl.DataFrame:
    """Accuracy by task, with intervals; the harness' own figures, not those with chance as zero."""
    gradings = run.store.read(SUITE.gradings, run.at)
    items = SUITE.build_items(gradings)
    return score_items(items, subject=run.subject.name, protocol=describe_protocol(gradings))


LEADERBOARD_ASSETS: list[dg.AssetsDefinition] = [leaderboard_gradings, leaderboard_scores]


def _plan(
    run: AssetRun, harness: Harness, home: Path, noted: dict[str, Any]
) -> tuple[list[_Plan], list[pl.DataFrame]]:
    """The tasks that can be run, with their data, and rows for those that cannot; nothing is asked.

    Raises:
        HarnessError: The catalogue names a task that the profile has not.
        SourceError: The data of a task are not there.
    """
    plans, frames = list[_Plan](), list[pl.DataFrame]()
    downloads = run.tables.working_folder() / "downloads"
    for task in choose_tasks(CATALOG.evaluation.leaderboard):
        why = harness.faults.get(task.name)
        if task.is_gated and not _has_token():
            why, reason = _IS_GATED.format(task.repo), Dropped.NEEDS_TOKEN
        elif why is not None:
            why, reason = _CANNOT_SCORE.format(why), Dropped.CANNOT_SCORE
        if why is not None:
            run.context.log.warning(f"{task.name} is left out: {why}")
            frames.append(left_out(task, reason, why, **noted))
            continue
        data = find_data(task, CATALOG.benchmarks, home, downloads, run.store)
        plans.append(_Plan(task, data))
    return plans, frames


_IS_GATED = (
    "the data set {} is gated: accept its terms on the Hub and set HF_TOKEN, or leave the task out "
    "of `evaluation.leaderboard.tasks`"
)
_CANNOT_SCORE = (
    "its scoring fails ({}): put nltk's `punkt_tab` into a folder and set NLTK_DATA to it, e.g. "
    "with `python -m nltk.downloader -d FOLDER punkt_tab` in the harness' environment"
)


def _has_token() -> bool:
    from huggingface_hub import get_token  # here, because it is slow

    return get_token() is not None


def for_likelihoods(model: Model) -> Model:
    """The model, of a vLLM on this machine with a server for this alone, on one group of GPUs.

    The harness asks one server.
    """
    if model.engine is not Engine.VLLM:
        return model
    changes = {
        "name": f"{model.name}-{ANSWERS}",
        "vllm": {**model.vllm, **_NO_PREFIX_CACHE},
        "gpus": model.gpus[: model.gpus_per_server],
    }
    return model.model_copy(update=changes)


def _served(model: Model, engines: Engines, endpoint: Endpoint) -> Served:
    """The server as the harness is told of it.

    Raises:
        EngineError: The server does not say how long its context is.
    """
    context = endpoint.capabilities.context_tokens
    if context is None:
        raise EngineError(
            f"{model.name}: {endpoint.base_urls[0]} does not say how many tokens a prompt may have "
            "(`max_model_len` in /v1/models), and the harness would cut prompts at 2,048: serve "
            "the model with vLLM"
        )
    is_trained = model.training is not None and endpoint.model.engine != Engine.SIMULATED
    checkpoint = engines.students.checkpoint_of(model).folder if is_trained else None
    return Served(
        url=endpoint.base_urls[0],
        model=model.served_name,
        context_tokens=context,
        tokenizer=str(checkpoint or model.weights or model.served_name),
        revision=model.revision,
        at_once=endpoint.starts_with,
        timeout_s=endpoint.attempt_s,
    )


def _run_task(
    run: AssetRun,
    plan: _Plan,
    harness: Harness,
    served: Served,
    home: Path,
    environment: dict[str, str],
    endpoint: Endpoint,
    noted: dict[str, Any],
) -> pl.DataFrame:
    """Run a task, unless its results are there, and read them."""
    task, settings = plan.task, CATALOG.evaluation.leaderboard
    protocol = PROFILES[settings.profile]
    in_template = (
        protocol.has_chat_template if settings.chat_template is None else settings.chat_template
    )
    arguments = model_arguments(served, task.asks, has_chat_template=in_template)
    # What the answers depend on: with anything else the task is run anew, in another folder. Where
    # the server listens and how fast it is asked changes nothing.
    moves = ("base_url", "num_concurrent", "timeout", "max_retries")
    told = {name: value for name, value in arguments.items() if name not in moves}
    asked = [task.name, endpoint.model.answers_as, told, in_template, settings.limit]
    asked += [plan.data.version, dict(harness.versions)]
    digest = hashlib.sha256(json.dumps(asked).encode()).hexdigest()
    folder = home / f"{task.name}-{digest[:12]}"
    names = write_task_files(task, harness, plan.data, folder / TASK_FILES)
    command = build_command(
        *(harness, names, folder, arguments, task.asks),
        has_chat_template=in_template,
        limit=settings.limit,
    )
    run_until_done(folder, names, command, environment, run.context.log.info)
    template = "server" if task.asks is Asks.TEXT else "client" if in_template else "none"
    of_run = {"data_version": plan.data.version, "chat_template": template}
    engine = {"engine": endpoint.model.engine}
    return read_results(task, folder / RESULTS, names, **noted, **of_run, **engine)


def _describe_left_out(gradings: pl.DataFrame) -> Any:
    rows = gradings.filter(pl.col("part").is_null()).select("task", "drop_reason", "failure")
    return markdown(rows) if rows.height else "nothing"
