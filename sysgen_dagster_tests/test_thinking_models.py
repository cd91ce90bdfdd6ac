"""All phases with models that think: the texts are as if they did not, and no thought is lost."""

from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from sysgen_dagster.catalog.models import Engine, Model, RequestSettings
from sysgen_dagster.chat.messages import ChatRequest
from sysgen_dagster.inference.client import complete
from sysgen_dagster.inference.engines import Engines
from sysgen_dagster.inference.ledger import Ledger
from sysgen_dagster.inference.progress import Progress
from sysgen_dagster.lanes.sysgen import alignment, attempts, filtering, verification
from sysgen_dagster.lanes.sysgen.settings import DropRule, Method, UnreadableVerdict
from sysgen_dagster.simulated.thinking import FORMS
from sysgen_dagster.tables.table import kept
from sysgen_dagster_tests.lanes.sysgen.frames import conversations
from sysgen_dagster_tests.simulated.running_server import running

ROWS = [
    {"question": f"How many melons are in {n} crates of {n + 3}?", "answer": f"{n * (n + 3)}."}
    for n in range(2, 26)
]
METHOD = Method(drop_rule=DropRule.MALFORMED_BOUNDARY, unreadable_verdict=UnreadableVerdict.REMOVE)
TEXTS = {"annotated_message", "verdict_text", "new_answer"}
Phases = dict[str, pl.DataFrame]


def run_phases(
    url: str, folder: Path, rows: list[dict[str, str]] = ROWS, **settings: int
) -> Phases:
    """The tables of the phases that ask a model, which is probed and asked through HTTP."""
    phi = Model(
        name="phi-4",
        served_name="phi",
        license="mit",
        engine=Engine.ENDPOINT,
        base_urls=(url,),
        request=RequestSettings.model_validate(settings),
    )
    ledgers = iter(Ledger(folder / f"{number}.jsonl") for number in range(9))

    def ask(requests: Iterator[ChatRequest], total: int) -> pl.DataFrame:
        with Engines(folder).connection(phi, print) as connection, next(ledgers) as ledger:
            return complete(connection, requests, Progress(total), ledger, lambda _: None)

    asked = conversations(*rows)
    annotated = attempts.annotate(asked, ask, METHOD)
    filtered = kept(filtering.filter_messages(kept(annotated), METHOD.drop_rule))
    judged = ask(verification.build_verification_requests(filtered, METHOD), filtered.height)
    verified = verification.build_verified_messages(filtered, judged, METHOD.unreadable_verdict)
    inputs = alignment.build_alignment_inputs(kept(verified), asked)
    answers = ask(alignment.build_alignment_requests(inputs), inputs.height)
    aligned = alignment.build_aligned_responses(inputs, answers)
    return {"annotated": annotated, "verified": verified, "aligned": aligned}


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Phases:
    """The tables of a model that does not think and may write as many tokens."""
    with running() as server:
        folder = tmp_path_factory.mktemp("plain")
        return run_phases(f"{server.url}/v1", folder, reasoning_tokens=4096)


@pytest.mark.parametrize("form", FORMS)
def test_a_model_that_thinks_gives_the_same_texts_and_keeps_every_thought(
    form: str, plain: Phases, tmp_path: Path
) -> None:
    with running("--thinks", form) as server:
        thinking = run_phases(f"{server.url}/v1", tmp_path)
    for name, table in thinking.items():
        texts = sorted({*table.columns, "drop_reason"} & {*TEXTS, "drop_reason"})
        assert table.select("conversation_id", *texts).equals(
            plain[name].select("conversation_id", *texts)
        )
        assert table["reasoning"].null_count() == 0
        assert table["reasoning"].n_unique() == table.height  # each thought is its own
        assert (table["reasoning_tokens"] > 0).all()
        assert (table["reasoning_tokens"] <= table["completion_tokens"]).all()
        assert not table["reasoning"].str.contains(r"</?think|\|>").any()
    assert plain["aligned"]["reasoning"].null_count() == plain["aligned"].height


@pytest.mark.parametrize("server_has", [(), ("--no-tokenizer",)], ids=["tokenizer", "none"])
def test_a_long_row_is_not_dropped_for_the_room_that_thoughts_may_take(
    server_has: tuple[str, ...], tmp_path: Path
) -> None:
    # About 5,000 tokens beside the prompt: with 4,096 for thoughts they do not fit 8,192.
    long = [{"question": "How many melons? " + "There are some more. " * 950, "answer": "Nine."}]
    with running("--thinks", "glm", *server_has) as server:
        thinking = run_phases(f"{server.url}/v1", tmp_path, rows=long)
    assert {name: table["drop_reason"].to_list() for name, table in thinking.items()} == {
        "annotated": [None],
        "verified": [None],
        "aligned": [None],
    }
    assert thinking["aligned"]["reasoning"].null_count() == 0
