import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from sysgen_dagster.catalog.recipes import Recipe, Rejected, Variant
from sysgen_dagster.training_sets.export.card import (
    CardFacts,
    Figure,
    render_card,
    render_licenses,
    size_category,
)
from sysgen_dagster.training_sets.export.folder import write_folder
from sysgen_dagster.training_sets.export.layout import (
    FILE_COLUMNS,
    MODEL_COLUMNS,
    SOURCE_COLUMNS,
    Contents,
    Trained,
)
from sysgen_dagster.training_sets.tables import TRAINING_ROWS
from sysgen_dagster_tests.training_sets.export.exports import FACTS, PAIR_FACTS, export, frame, row


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Contents:
    return export(tmp_path_factory.mktemp("card") / "small")


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Contents:
    return export(tmp_path_factory.mktemp("card") / "small", pairs=True)


def _front(card: str) -> Any:
    assert card.startswith("---\n")
    return yaml.safe_load(card.split("\n---\n")[0])


def _body(card: str) -> str:
    return card.split("\n---\n", 1)[1]


def _contents_of(tmp_path: Path, facts: CardFacts = FACTS, **changes: Any) -> Contents:
    rows = frame([row("metamath", "phi-4", "train", 0, **changes)])
    return write_folder(tmp_path / "one", "one", [rows], facts)


def test_the_front_matter_says_what_the_hub_wants(rows: Contents, pairs: Contents) -> None:
    front = _front(render_card(rows, FACTS))
    assert front["task_categories"] == ["text-generation"]
    assert front["size_categories"] == ["n<1K"]
    assert front["language"] == ["en"]
    assert front["source_datasets"] == ["LDJnr/Capybara", "meta-math/MetaMathQA"]
    assert {"sysgen", "synthetic", "sft"} <= set(front["tags"])
    assert {"sysgen", "synthetic", "preference"} <= set(
        _front(render_card(pairs, PAIR_FACTS))["tags"]
    )
    assert [each["config_name"] for each in front["configs"]] == [
        each["config_name"] for each in front["dataset_info"]
    ]
    for info in front["dataset_info"]:
        assert all(split["num_bytes"] and split["num_examples"] for split in info["splits"])
    assert "language" not in _front(render_card(rows, replace(FACTS, languages=())))


@pytest.mark.parametrize(
    ("count", "category"),
    [
        (999, "n<1K"),
        (1_000, "1K<n<10K"),
        (9_999, "1K<n<10K"),
        (2_136_539, "1M<n<10M"),
        (999_999_999_999, "100B<n<1T"),
        (10**12, "n>1T"),
    ],
)
def test_sizes_are_those_of_the_hub(count: int, category: str) -> None:
    assert size_category(count) == category


_MIXED = {
    "license": "other",
    "license_name": "mixed-see-license-file",
    "license_link": "LICENSE.md",
}


@pytest.mark.parametrize(
    ("source", "model", "variant", "licence"),
    [
        ("mit", "mit", Variant.SYSGEN, {"license": "mit"}),
        ("mit", "llama3.1", Variant.SYSGEN, _MIXED),
        ("mit", "llama3.1", Variant.ORIGINAL_ANSWER, _MIXED),
        ("mit", "llama3.1", Variant.NO_SYSTEM_MESSAGE, {"license": "mit"}),
        ("llama3.1", "llama3.1", Variant.SYSGEN, {"license": "llama3.1"}),
        (
            *("Our Terms 2", "Our Terms 2", Variant.SYSGEN),
            {"license": "other", "license_name": "our-terms-2", "license_link": "LICENSE.md"},
        ),
    ],
)
def test_the_licence_is_the_one_that_all_have_or_other(
    tmp_path: Path, source: str, model: str, variant: Variant, licence: dict[str, str]
) -> None:
    facts = replace(FACTS, recipe=Recipe(variant=variant))
    contents = _contents_of(tmp_path, facts, source_license=source, model_license=model)
    front = _front(render_card(contents, facts))
    assert {key: front[key] for key in front if key.startswith("license")} == licence
    assert source in render_licenses(contents, facts)


def test_a_model_of_rejected_answers_only_makes_the_licence_another(tmp_path: Path) -> None:
    facts = replace(PAIR_FACTS, recipe=Recipe(rejected=(Rejected.OTHER_SYSTEM_MESSAGE,)))
    pair = row("metamath", "phi-4", "train", 0, rejected_model="llama-3.1-8b")
    contents = write_folder(tmp_path / "one", "one", [frame([pair], pairs=True)], facts)
    assert _front(render_card(contents, facts))["license"] == "other"
    assert "`llama-3.1-8b`" in render_licenses(contents, facts)
    assert "another model gave" in render_card(contents, facts)


def test_simulated_rows_are_marked_before_anything_else(tmp_path: Path, rows: Contents) -> None:
    contents = _contents_of(tmp_path, engine="simulated", model_license="llama3.1")
    body = _body(render_card(contents, FACTS))
    assert "**Do not train on this.**" in body.split("## ")[0]
    assert "Built with Llama" not in body  # no Llama wrote it
    assert "Do not train" not in render_card(rows, FACTS)


def test_terms_are_named_where_they_hold_only(tmp_path: Path, rows: Contents) -> None:
    assert "**Built with Llama.**" in render_card(rows, FACTS)
    assert "OpenAI" in render_card(rows, FACTS)
    mine = _contents_of(tmp_path, source_repo="me/mine")
    assert "Llama" not in _body(render_card(mine, FACTS)).replace("LLaMA", "")
    assert "OpenAI" not in render_card(mine, FACTS)


def test_a_local_source_is_no_source_data_set_of_the_hub(tmp_path: Path) -> None:
    contents = _contents_of(tmp_path, source_repo="local")
    assert "source_datasets" not in _front(render_card(contents, FACTS))


def test_figures_recipe_and_commands_are_shown(rows: Contents) -> None:
    shown = Figure(
        "Retention",
        pl.DataFrame({"table": ["aligned"], "kept_share": [0.5], "paper": [None]}),
        ".1%",
    )
    facts = replace(FACTS, figures=[shown], recipe=Recipe(rows=7))
    body = _body(render_card(rows, facts))
    assert "### Retention\n\n| table | kept share | paper |\n| --- | ---: | --- |\n" in body
    assert "| aligned | 50.0% | \N{EN DASH} |" in body
    for asset in ("mixtures", "exports"):
        assert f" --select {asset} --partition small\n" in body.split("```sh\n")[1].split("```")[0]
    assert yaml.safe_load(body.split("```yaml\n")[1].split("```")[0])["mixtures"] == {
        "small": {"rows": 7}
    }


def test_what_is_to_be_known_of_a_figure_stands_below_it(rows: Contents) -> None:
    said = "Of the phrases that rules decided."
    shown = Figure("Obeyed", pl.DataFrame({"tag": ["Format"], "obeyed": [0.5]}), ".1%", said)
    body = _body(render_card(rows, replace(FACTS, figures=[shown])))
    assert "| Format | 50.0% |\n\nOf the phrases that rules decided.\n\n" in body


@pytest.mark.parametrize(
    ("trained", "said", "others"),
    [
        (Trained.LAST, "true for the last answer alone", True),
        (Trained.EVERY, "true for every answer", False),
        (Trained.SOME, "earlier ones where they were written anew", True),
    ],
)
def test_the_card_says_which_messages_are_to_be_learned(
    rows: Contents, trained: Trained, said: str, others: bool
) -> None:
    body = _body(render_card(replace(rows, trained=trained), FACTS))
    assert said in body
    assert ("that `train` does not mark" in body) is others
    assert ("answered anew under the message" in body) is (trained is not Trained.LAST)


@pytest.mark.parametrize("trained", Trained)
@pytest.mark.parametrize("variant", Variant)
def test_the_card_says_whose_the_earlier_answers_of_a_variant_are(
    rows: Contents, variant: Variant, trained: Trained
) -> None:
    facts = replace(FACTS, recipe=Recipe(variant=variant))
    body = _body(render_card(replace(rows, trained=trained), facts))
    is_anew = variant in (Variant.SYSGEN, Variant.USER_ROLE)
    said_anew = "answered anew under the message" in body, "they were written anew with" in body
    assert said_anew == (
        is_anew and trained is not Trained.LAST,
        is_anew and trained is Trained.SOME,
    )
    assert ("No assistant turn was written under a generated" in body) is not is_anew
    if trained is Trained.SOME:
        assert ("here they are the source's own" in body) is not is_anew


@pytest.mark.parametrize("variant", Variant)
def test_the_card_names_the_persona_that_a_template_may_put_where_there_is_no_system_message(
    rows: Contents, variant: Variant
) -> None:
    body = _body(render_card(rows, replace(FACTS, recipe=Recipe(variant=variant))))
    has_none = variant in (Variant.NO_SYSTEM_MESSAGE, Variant.USER_ROLE)
    assert ("Which persona?" in body) is has_none
    is_ablation = variant is Variant.NO_SYSTEM_MESSAGE
    assert ("variant: empty_system_message" in body.split("```")[0]) is is_ablation


def test_pairs_have_a_system_message_and_no_marks(pairs: Contents) -> None:
    body = _body(render_card(pairs, PAIR_FACTS))
    assert "Which persona?" not in body
    assert "`{role, content}`" in body


def test_the_card_says_under_which_settings_the_rows_were_made(rows: Contents) -> None:
    card = render_card(rows, replace(FACTS, method="best, samples=2"))

    assert "Settings of the method: `best, samples=2`." in card
    assert "Settings of the method" not in render_card(rows, FACTS)


def test_the_card_names_every_file_of_the_trainers(rows: Contents, pairs: Contents) -> None:
    assert "(trainers/trl_sft.py)" in render_card(rows, FACTS)
    assert "(trainers/trl_dpo.py)" in render_card(pairs, PAIR_FACTS)


@settings(max_examples=50)
@given(text=st.text(max_size=200), name=st.text(max_size=60))
def test_no_title_or_name_can_break_front_matter_or_tables(text: str, name: str) -> None:
    contents = Contents(
        name,
        TRAINING_ROWS,
        pl.DataFrame(schema=FILE_COLUMNS),
        pl.DataFrame(
            [("s", f"{text}/{text}", text, text)],
            list(SOURCE_COLUMNS),
            orient="row",
        ),
        pl.DataFrame(
            [("m", text, text, text, text)],
            list(MODEL_COLUMNS),
            orient="row",
        ),
    )
    card = render_card(contents, replace(FACTS, titles={"s": text}, prompts={text: text}))
    front = _front(card)
    assert front["pretty_name"] == f"SysGen: {name}"
    assert front["source_datasets"] == [f"{text}/{text}"]
    # `datasets` cuts the card into lines wherever Python does.
    lines = card.splitlines()
    assert yaml.safe_load("\n".join(lines[1 : lines.index("---", 1)])) == front
    for heading in ("The data sets:", "The models:", "The prompts,"):
        table = _body(card).split(heading)[1].split("\n\n")[1]
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table.split("\n")}) == 1
        assert table.count("\n") == 2
