"""Which rows a recipe takes, and how many."""

from collections import Counter
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sysgen_dagster.catalog.recipes import Lane, Recipe, Rejected
from sysgen_dagster.tables.table import polars_schema
from sysgen_dagster.training_sets import mixtures
from sysgen_dagster.training_sets.mixtures import count_missing, summarize_mixture
from sysgen_dagster.training_sets.tables import MIXTURES, PHRASE_COUNTS

SCHEMA = {
    **MIXTURES.schema,
    "tags": pl.List(pl.String()),
    "flags": pl.List(pl.String()),
    "variant": pl.String(),
    "rejected_is": pl.String(),
    "rejected_not_obeyed": pl.UInt32(),
    **polars_schema(PHRASE_COUNTS),
}
USUAL = {"model": "phi", "split": "train", "tags": ["Role"], "flags": [], "variant": "sysgen"}


def candidates(*rows: dict[str, Any]) -> pl.DataFrame:
    """Candidates ``a-0``, ``a-1``, ...; what a row does not say is usual."""
    whole = []
    for number, row in enumerate(rows):
        source = row.get("source", "a")
        named = {"conversation_id": f"{source}-{number}", "source": source, "shard": f"{source}-0"}
        whole.append(named | USUAL | row)
    return pl.DataFrame(whole, schema=SCHEMA, orient="row")


def many(**rows_of: int) -> pl.DataFrame:
    """So many conversations of each source."""
    return candidates(*({"source": source} for source, n in rows_of.items() for _ in range(n)))


def mixture(rows: pl.DataFrame, recipe: Recipe) -> pl.DataFrame:
    """The mixture that a recipe makes of these rows."""
    in_form = rows.filter(mixtures.is_in_form_of(recipe))
    return mixtures.build_mixture(mixtures.select_candidates(in_form, recipe), recipe)


def taken(rows: pl.DataFrame, /, **recipe: Any) -> list[str]:
    mixed = mixture(rows, Recipe(**recipe))
    assert mixed.schema == MIXTURES.schema
    return mixed["conversation_id"].to_list()


def sizes(rows: pl.DataFrame, /, **recipe: Any) -> dict[str, int]:
    return dict(Counter(mixture(rows, Recipe(**recipe))["source"]))


def test_a_recipe_that_asks_for_nothing_takes_everything() -> None:
    assert taken(many(a=2, b=1)) == ["a-0", "a-1", "b-2"]


@pytest.mark.parametrize(
    ("recipe", "taken_row", "left_row"),
    [
        ({"sources": ("a",)}, {"source": "a"}, {"source": "b"}),
        ({"models": ("phi",)}, {"model": "phi"}, {"model": "qwen"}),
        ({"least_tags": 2}, {"tags": ["Role", "Task"]}, {"tags": ["Role", "Role"]}),
        ({"least_tags": 1}, {}, {"tags": None}),
        ({"leave_out": ("repetitive",)}, {"flags": ["personal_data"]}, {"flags": ["repetitive"]}),
        (
            {"leave_out": ("repetitive",)},
            {"flags": None},
            {"flags": ["contaminated", "repetitive"]},
        ),
    ],
)
@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_a_filter_holds_in_every_split(
    recipe: dict[str, Any], taken_row: dict[str, Any], left_row: dict[str, Any], split: str
) -> None:
    rows = candidates(taken_row | {"split": split}, left_row | {"split": split})

    assert taken(rows, **recipe) == [rows["conversation_id"][0]]
    assert len(taken(rows)) == 2


def obeying(obeyed: int | None, not_obeyed: int | None, unknown: int | None) -> dict[str, Any]:
    return dict(zip(PHRASE_COUNTS, (obeyed, not_obeyed, unknown), strict=True))


@pytest.mark.parametrize(
    ("row", "all_obeyed", "none_broken"),
    [
        pytest.param(obeying(3, 0, 0), True, True, id="all are obeyed"),
        pytest.param(obeying(2, 0, 1), False, True, id="of one nobody could tell"),
        pytest.param(obeying(0, 0, 3), False, True, id="of none anybody could tell"),
        pytest.param(obeying(2, 1, 0), False, False, id="one is not obeyed"),
        pytest.param(obeying(0, 1, 2), False, False, id="one is not, nobody could tell of others"),
        pytest.param(obeying(None, None, None), False, False, id="nobody has looked"),
    ],
)
@pytest.mark.parametrize("split", ["train", "validation", "test"])
@pytest.mark.parametrize("variant", ["sysgen", "original_answer"])
def test_a_recipe_may_take_only_rows_whose_answers_obey(
    row: dict[str, Any], all_obeyed: bool, none_broken: bool, split: str, variant: str
) -> None:
    rows = candidates(row | {"split": split, "variant": variant})

    assert taken(rows, variant=variant, obeyed="all") == ["a-0"] * all_obeyed
    assert taken(rows, variant=variant, obeyed="none_broken") == ["a-0"] * none_broken
    assert taken(rows, variant=variant) == ["a-0"]


def test_the_numbers_are_of_rows_that_obey() -> None:
    rows = candidates(*(obeying(1, number % 2, 0) for number in range(40)))
    drawn = taken(rows, rows=5, obeyed="all")

    assert len(drawn) == 5
    assert all(int(identity.removeprefix("a-")) % 2 == 0 for identity in drawn)
    # Those that do not obey take no part in the draw.
    assert drawn == taken(rows.filter(phrases_not_obeyed=0), rows=5)


@pytest.mark.parametrize(
    ("recipe", "missing"),
    [
        ({}, 0),
        ({"rows": 8}, 0),
        ({"rows": 9}, 1),
        ({"rows": 9, "sources": ("a",)}, 4),
        ({"rows": 9, "rows_of": {"a": 2}}, 4),
        ({"rows_of": {"a": 99}}, 0),
    ],
)
def test_what_is_missing_is_counted_in_the_train_split(
    recipe: dict[str, Any], missing: int
) -> None:
    rows = pl.concat([many(a=5, b=3), candidates(*[{"split": "test", "source": "c"}] * 4)])
    asked = Recipe(**recipe)

    assert count_missing(mixture(rows, asked), asked) == missing


def test_rows_of_another_variant_are_not_taken() -> None:
    rows = candidates({}, {"variant": "user_role"})

    assert taken(rows) == ["a-0"]
    assert taken(rows, variant="user_role") == ["a-1"]


@pytest.mark.parametrize(
    ("recipe", "wanted"),
    [
        pytest.param({"rows_of": {"a": 3}}, {"a": 3, "b": 20, "c": 5}, id="at most of a source"),
        pytest.param({"rows": 12}, {"a": 4, "b": 4, "c": 4}, id="equal parts"),
        pytest.param({"rows": 14}, {"a": 5, "b": 5, "c": 4}, id="the largest remainders"),
        pytest.param({"rows": 12, "weights": {"b": 4}}, {"a": 2, "b": 8, "c": 2}, id="by weight"),
        pytest.param({"rows": 21}, {"a": 8, "b": 8, "c": 5}, id="what one cannot fill"),
        pytest.param(
            {"rows": 21, "weights": {"a": 2, "c": 100}},
            {"a": 10, "b": 6, "c": 5},
            id="what several cannot fill, step by step",
        ),
        pytest.param(
            {"rows": 20, "rows_of": {"b": 1, "a": 4}}, {"a": 4, "b": 1, "c": 5}, id="both limits"
        ),
        pytest.param({"rows": 2, "weights": {"a": 0.1}}, {"b": 1, "c": 1}, id="too few for all"),
        pytest.param({"rows": 999}, {"a": 10, "b": 20, "c": 5}, id="more than there are"),
    ],
)
def test_so_many_rows_are_taken_of_each_source(
    recipe: dict[str, Any], wanted: dict[str, int]
) -> None:
    assert sizes(many(a=10, b=20, c=5), **recipe) == wanted


def test_only_the_train_split_is_cut() -> None:
    rows = pl.concat(
        [
            many(a=9).with_columns(split=pl.lit(split), conversation_id=split + pl.col("source"))
            for split in ("train", "validation", "test")
        ]
    )
    counts = Counter(mixture(rows, Recipe(rows=4, rows_of={"a": 3}))["split"])
    assert counts == {"train": 3, "validation": 9, "test": 9}


def test_models_give_the_same_conversations() -> None:
    both = pl.concat([many(a=50).with_columns(model=pl.lit(model)) for model in ("phi", "qwen")])
    of_model = dict(mixture(both, Recipe(rows=20)).group_by("model").agg("conversation_id").rows())

    assert len(of_model["phi"]) == 10
    assert of_model["phi"] == of_model["qwen"]
    alone = mixture(both, Recipe(rows=10, models=("qwen",)))
    assert alone["conversation_id"].to_list() == of_model["qwen"]


def test_where_the_limit_cuts_a_conversation_its_first_models_stay() -> None:
    both = candidates(*({"conversation_id": "a-0", "model": model} for model in ("qwen", "phi")))

    assert mixture(both, Recipe(rows=1))["model"].to_list() == ["phi"]


def test_these_rows_are_taken_in_any_version() -> None:
    assert taken(many(a=40), rows=3) == ["a-28", "a-33", "a-5"]


def test_another_seed_takes_other_rows() -> None:
    drawn = {tuple(taken(many(a=40), rows=5, seed=seed)) for seed in range(3)}

    assert len(drawn) == 3


PAIRS = candidates(
    {"rejected_is": "original_answer"},
    {"rejected_is": "other_system_message", "conversation_id": "a-0"},
    {"rejected_is": "other_system_message"},
)


@pytest.mark.parametrize(
    ("rejected", "wanted"),
    [
        (tuple(Rejected), ["a-0", "a-2"]),
        ((Rejected.ORIGINAL_ANSWER,), ["a-0"]),
        ((Rejected.OTHER_SYSTEM_MESSAGE,), ["a-0", "a-2"]),
    ],
)
def test_the_pairs_of_a_conversation_are_one_row(
    rejected: tuple[Rejected, ...], wanted: list[str]
) -> None:
    assert taken(PAIRS, rejected=rejected) == wanted


def test_pairs_may_be_only_those_whose_rejected_answer_breaks_a_phrase() -> None:
    pairs = candidates(
        *(
            {"rejected_is": "original_answer", "rejected_not_obeyed": broken}
            for broken in (0, 1, 2, None)
        )
    )
    breaking = {"rejected": (Rejected.ORIGINAL_ANSWER,), "rejected_breaks": True}

    # Of the last one nobody has looked; who makes a mixture is told so.
    assert taken(pairs, **breaking) == ["a-1", "a-2", "a-3"]
    assert taken(pairs, rejected=(Rejected.ORIGINAL_ANSWER,)) == ["a-0", "a-1", "a-2", "a-3"]


SOURCES = ("a", "b", "c")
ROW = st.fixed_dictionaries(
    {
        "conversation_id": st.sampled_from([f"{s}-{n}" for s in SOURCES for n in range(6)]),
        "model": st.sampled_from(["phi", "qwen"]),
        "split": st.sampled_from(["train", "train", "train", "test"]),
        "flags": st.sampled_from([[], [], ["repetitive"]]),
    }
).map(lambda row: row | {"source": row["conversation_id"][0], "shard": row["conversation_id"][:1]})
ROWS = st.lists(ROW, unique_by=lambda row: (row["conversation_id"], row["model"])).map(
    lambda rows: candidates(*rows)
)
LIMITS = st.dictionaries(st.sampled_from(SOURCES), st.integers(1, 9))
WEIGHTS = st.dictionaries(st.sampled_from(SOURCES), st.floats(1e-3, 1e3))


@st.composite
def recipes(draw: st.DrawFn) -> Recipe:
    rows = draw(st.one_of(st.none(), st.integers(1, 30)))
    return Recipe(
        rows=rows,
        rows_of=draw(LIMITS),
        weights=draw(WEIGHTS) if rows else {},
        leave_out=draw(st.sampled_from([(), ("repetitive",)])),
        seed=draw(st.integers(0, 3)),
    )


@given(ROWS, recipes(), st.randoms())
def test_the_order_of_the_candidates_makes_no_difference(
    rows: pl.DataFrame, recipe: Recipe, random: Any
) -> None:
    order = list(range(rows.height))
    random.shuffle(order)

    assert mixture(rows[order], recipe).equals(mixture(rows, recipe))


@given(ROWS, recipes())
def test_a_mixture_is_as_large_as_its_limits_allow(rows: pl.DataFrame, recipe: Recipe) -> None:
    train = mixture(rows, recipe).filter(split="train")
    allowed = rows.filter(split="train")
    if recipe.leave_out:
        allowed = allowed.filter(pl.col("flags").list.len() == 0)
    most = {
        source: min(number, recipe.rows_of.get(source, number))
        for source, number in Counter(allowed["source"]).items()
    }

    assert train.height == min(recipe.rows or 99, sum(most.values()))
    assert all(number <= most[source] for source, number in Counter(train["source"]).items())
    assert train.join(allowed, on=["conversation_id", "model"], how="anti").is_empty()


def sets(*splits: str, models: tuple[str, ...] = ("phi",)) -> pl.DataFrame:
    """Of each model three rows of each instruction, whose split is given."""
    return candidates(
        *(
            {"conversation_id": f"a-{at}-0#{number}", "split": split, "model": model}
            for at, split in enumerate(splits)
            for number in range(3)
            for model in models
        )
    )


def one_each(rows: pl.DataFrame, /, **recipe: Any) -> pl.DataFrame:
    return mixture(rows, Recipe(lane=Lane.MULTIFACETED, one_an_instruction=True, **recipe))


def instructions(rows: pl.DataFrame) -> Counter[str]:
    return Counter(each.split("#")[0] for each in rows["conversation_id"])


def test_one_row_an_instruction_is_one_of_all_its_sets_and_models_in_every_split() -> None:
    rows = sets(*["train"] * 60, *["validation"] * 5, *["test"] * 5, models=("phi", "qwen"))
    mixed = one_each(rows)

    assert {*instructions(mixed).values()} == {1}
    assert mixed["split"].value_counts().sort("split").rows() == [
        ("test", 5),
        ("train", 60),
        ("validation", 5),
    ]
    numbers = {each.split("#")[1] for each in mixed["conversation_id"]}
    assert numbers == {"0", "1", "2"}
    assert {*mixed["model"]} == {"phi", "qwen"}


def test_which_row_of_an_instruction_is_taken_follows_from_the_seed_alone() -> None:
    rows = sets(*["train"] * 40)

    assert one_each(rows.reverse()).equals(one_each(rows))
    assert not one_each(rows, seed=1).equals(one_each(rows))
    fewer = one_each(rows.head(60))
    assert fewer.join(one_each(rows), on="conversation_id", how="anti").is_empty()


def test_one_row_an_instruction_is_drawn_of_those_that_pass_the_filters() -> None:
    rows = sets(*["train"] * 9).with_columns(
        flags=pl.when(pl.col("conversation_id").str.ends_with("#2"))
        .then(pl.lit([], pl.List(pl.String())))
        .otherwise(pl.lit(["repetitive"], pl.List(pl.String())))
    )

    mixed = one_each(rows, leave_out=("repetitive",))
    assert mixed["conversation_id"].to_list() == [f"a-{at}-0#2" for at in range(9)]


def test_a_number_of_rows_is_one_of_instructions() -> None:
    rows = sets(*["train"] * 20)

    assert {*instructions(one_each(rows, rows=7)).values()} == {1}
    assert one_each(rows, rows=7).height == 7
    assert count_missing(one_each(rows, rows=25), Recipe(rows=25)) == 5


def test_the_summary_counts_rows_by_source_model_and_split() -> None:
    rows = candidates({}, {"split": "test"}, {}, {"source": "b", "model": "qwen"})

    assert summarize_mixture(mixture(rows, Recipe())).rows() == [
        ("a", "phi", "train", 2),
        ("a", "phi", "test", 1),
        ("b", "qwen", "train", 1),
    ]


@given(ROWS, recipes(), st.integers(0, 20))
def test_candidates_may_come_a_shard_at_a_time(
    rows: pl.DataFrame, recipe: Recipe, cut: int
) -> None:
    parts = [mixtures.select_candidates(part, recipe) for part in (rows.head(cut), rows.slice(cut))]

    assert mixtures.build_mixture(pl.concat(parts), recipe).equals(mixture(rows, recipe))
