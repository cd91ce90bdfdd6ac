"""ROUGE and GLEU equal the libraries', and which tokens the Unicode variant distinguishes."""

from collections.abc import Sequence
from itertools import cycle
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nltk.translate.gleu_score import sentence_gleu
from rouge_score.rouge_scorer import RougeScorer

from sysgen_dagster.analysis import similarity as module
from sysgen_dagster.analysis.similarity import measure_similarity
from sysgen_dagster.analysis.tables import SIMILARITY
from sysgen_dagster.catalog.load import FULL_CATALOG
from sysgen_dagster.commands.trial_catalog import EXAMPLE_ROWS
from sysgen_dagster.lanes.catalog import load_catalog
from sysgen_dagster.sources.conversations import build_conversations
from sysgen_dagster.tables.table import polars_schema

REAL_ROWS = Path(__file__).parents[2].parent / "shared" / "data"
REAL_ROWS_OF_A_SOURCE = 60  # rouge-score takes milliseconds each
SOURCES = load_catalog(FULL_CATALOG).sources

ROUGE = ("rouge1", "rouge2", "rougeL")
SCORER = RougeScorer(list(ROUGE), use_stemmer=False)


def of_one_pair(original: str, new: str) -> dict[str, float]:
    return measure_similarity(pl.Series([original]), pl.Series([new])).row(0, named=True)


def answers_of(name: str, rows: pl.DataFrame) -> list[str]:
    provenance = {"source_row": 0, "occurrence": 0, "source_revision": "", "unusable": None}
    known = rows.with_columns(pl.lit(value).alias(column) for column, value in provenance.items())
    return build_conversations(known, SOURCES[name])["answer"].drop_nulls().to_list()


def rewritten(answers: list[str]) -> list[str]:
    """As new answers are: sentences of the original gone, in another order, or another answer's."""
    news = []
    for number, (answer, other) in enumerate(zip(answers, answers[1:] + answers[:1], strict=True)):
        foreign = cycle(other.split(". "))
        kept = [
            next(foreign) if (number + position) % 4 == 0 else sentence
            for position, sentence in enumerate(answer.split(". "))
            if (number + position) % 5
        ]
        news.append(". ".join(kept[:: -1 if number % 3 == 0 else 1]))
    return news


def assert_equal_to_the_libraries(originals: Sequence[str], news: Sequence[str]) -> None:
    scores = measure_similarity(
        pl.Series(originals, dtype=pl.String), pl.Series(news, dtype=pl.String)
    )
    for original, new, ours in zip(originals, news, scores.iter_rows(named=True), strict=True):
        theirs = SCORER.score(target=original, prediction=new)
        wanted = {name: theirs[name].fmeasure for name in ROUGE}
        wanted["gleu"] = sentence_gleu([original.split()], new.split())
        assert {name: ours[name] for name in wanted} == pytest.approx(wanted, abs=1e-9)


@pytest.mark.parametrize("name", SOURCES)
def test_the_scores_are_those_of_the_libraries_on_bundled_rows(name: str) -> None:
    answers = answers_of(name, pl.read_ndjson(EXAMPLE_ROWS / f"{name}.jsonl"))
    unrelated = answers[::-1]
    assert_equal_to_the_libraries(answers * 2, [*rewritten(answers), *unrelated])


@pytest.mark.skipif(not REAL_ROWS.is_dir(), reason=f"real rows are not here ({REAL_ROWS})")
@pytest.mark.parametrize("name", SOURCES)
def test_the_scores_are_those_of_the_libraries_on_real_rows(name: str) -> None:
    rows = pl.read_parquet(REAL_ROWS / f"{name}.parquet")
    answers = answers_of(name, rows)[:REAL_ROWS_OF_A_SOURCE]
    assert_equal_to_the_libraries(answers, rewritten(answers))


few_words = st.lists(st.sampled_from(["a", "b", "A", "b.", "c1", "\n", "é"])).map(" ".join)
any_text = few_words | st.text()
pairs_of_texts = st.lists(st.tuples(any_text, any_text), max_size=8)


@given(pairs_of_texts)
def test_the_scores_are_those_of_the_libraries_for_any_texts(pairs: list[tuple[str, str]]) -> None:
    assert_equal_to_the_libraries([a for a, _ in pairs], [b for _, b in pairs])


@pytest.mark.parametrize(
    ("original", "new"),
    [
        pytest.param("", "", id="both empty"),
        pytest.param("", "a b", id="one empty"),
        pytest.param("?! …", "a b", id="no word"),
        pytest.param("a", "a", id="too short for two words"),
        pytest.param("a b c", "a b c", id="too short for four words"),
        pytest.param("a a a a b", "a b b b", id="words that stand several times"),
        pytest.param("a b", "b a a b a b", id="n-grams over the border of two texts"),
        pytest.param("30 \u212aELVIN, \u0130stanbul", "30 kelvin, istanbul", id="lower case"),
        pytest.param("a\x1cb\x1dc\x1ed\x1fe", "a b c d e", id="blanks of str.split"),
        pytest.param("a\xa0b\x85c\u3000d\u200be", "a b c d e", id="blanks of other scripts"),
        pytest.param("snake_case's", "snake case s", id="marks inside words"),
        pytest.param("a\0b <script>x</script>", "a b script x", id="hostile"),
    ],
)
def test_the_scores_are_those_of_the_libraries_at_the_edges(original: str, new: str) -> None:
    assert_equal_to_the_libraries([original, new], [new, original])


def test_the_scores_are_those_computed_by_hand() -> None:
    scores = of_one_pair("The cat sat on the mat.", "On the mat, the cat sat.")

    assert scores["rouge1"] == 1.0  # the same six words
    assert scores["rouge2"] == 2 * 4 / (5 + 5)  # all pairs but "sat on" and "mat the"
    assert scores["rougeL"] == 2 * 3 / (6 + 6)  # "the cat sat"
    assert scores["gleu"] == 2 / (6 + 5 + 4 + 3)  # "the" and "cat"; "The" and "sat." are others


def test_columns_are_the_tables_and_rows_keep_their_order() -> None:
    scores = measure_similarity(pl.Series(["a b", "c", "d"]), pl.Series(["a b", "x", "d"]))

    assert scores.schema == pl.Schema(polars_schema(SIMILARITY))
    assert scores["rouge1"].to_list() == [1.0, 0.0, 1.0]


def test_no_pairs_give_an_empty_table() -> None:
    none = pl.Series([], dtype=pl.String)

    assert measure_similarity(none, none).schema == pl.Schema(polars_schema(SIMILARITY))


def test_a_score_is_null_only_where_an_answer_is() -> None:
    scores = measure_similarity(
        pl.Series(["a", None, "a", None, ""]), pl.Series(["a", "a", None, None, ""])
    )

    for column in scores:
        assert column.is_null().to_list() == [False, True, True, True, False]


def test_different_numbers_of_answers_are_an_error() -> None:
    with pytest.raises(pl.exceptions.ShapeError):
        measure_similarity(pl.Series(["a"]), pl.Series(["a", "b"]))


def test_pairs_score_alike_alone_or_together_and_either_way_round(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    original = pl.Series(["a b a", "", None, "c d + e", "f", "", "a b"])
    new = pl.Series(["b a a b", "a", "b", "c + d e", None, "", "a b"])
    together = measure_similarity(original, new)

    monkeypatch.setattr(module, "_BATCH_BYTES", 1)
    assert measure_similarity(original, new).equals(together)
    assert measure_similarity(new, original).equals(together)


def test_scores_reach_from_nothing_shared_to_all() -> None:
    scores = measure_similarity(
        pl.Series(["a b + 1", "a b + 1"]), pl.Series(["a b + 1", "c d - 2"])
    )

    assert scores.rows() == [(1.0,) * 7, (0.0,) * 7]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("2+2=4", "2-2=4", id="plus and minus"),
        pytest.param("x - 1", "x + 1", id="between blanks"),
        pytest.param("x-1", "x 1", id="minus behind a variable"),
        pytest.param("5%", "5", id="percent"),
        pytest.param("a*b", "a/b", id="programs"),
        pytest.param("x ≤ 3", "x ≥ 3", id="symbols"),
        pytest.param("€5", "£5", id="currencies"),
        pytest.param("10²", "102", id="superscripts"),
        pytest.param(r"x \in A", "x in A", id="LaTeX commands"),
        pytest.param("😀", "😢", id="emoji"),
        pytest.param("naïve", "na ve", id="accents"),
        pytest.param("हिन्दी", "हिन्दू", id="marks of Indian scripts"),
        pytest.param("привет", "привёт", id="Cyrillic"),
        pytest.param("日本", "日木", id="Han"),
        pytest.param("한국", "한구", id="Hangul"),
    ],
)
def test_different_texts_score_below_one(one: str, other: str) -> None:
    assert of_one_pair(one, one)["rougeL_unicode"] == 1.0
    assert of_one_pair(one, other)["rougeL_unicode"] < 1.0


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("2\N{MINUS SIGN}2", "2-2", id="minus of typography"),
        pytest.param("10\u207b\u00b3 r²", "10^-3 r^2", id="superscripts are powers"),
        pytest.param("cafe\u0301", "CAFÉ", id="composed and decomposed"),
        pytest.param("２＋２", "2+2", id="full width"),  # noqa: RUF001
        pytest.param("well-known up-to-date", "well known up to date", id="hyphens"),
        pytest.param("- one\n* **two**\n---\n  - three", "one two three", id="Markdown"),
        pytest.param("| a | b |", "a b", id="tables"),
        pytest.param("$x$ and `y`", "x and y", id="brackets"),
    ],
)
def test_texts_with_equal_tokens_score_one(one: str, other: str) -> None:
    assert of_one_pair(one, other)["rougeL_unicode"] == 1.0


@pytest.mark.parametrize(
    ("original", "new", "shared", "tokens"),
    [
        pytest.param("私は猫が好き", "私は犬が好き", 5, 6, id="each Japanese character"),
        pytest.param("ラーメン", "ラーメンです", 4, 5, id="the long mark of kana"),
        pytest.param("ดีมาก", "ดีใจ", 1, 3.5, id="each Thai letter with its marks"),
        pytest.param("한국어를 합니다", "한국어를 좋아해요", 1, 2, id="Korean words"),
        pytest.param("naïve view", "naïve idea", 1, 2, id="accented words"),
        pytest.param("हिन्दी में", "हिन्दी से", 1, 2, id="words with marks"),
        pytest.param("می\u200cخواهم", "می\u200cخواهم نان", 1, 1.5, id="words with joiners"),  # noqa: RUF001
        pytest.param(r"\frac{1}{2}", r"\frac{3}{2}", 2, 3, id="LaTeX"),
        pytest.param("x²+1", "x²-1", 4, 5, id="signs"),
    ],
)
def test_tokens_of_the_unicode_variant(original: str, new: str, shared: int, tokens: float) -> None:
    assert of_one_pair(original, new)["rouge1_unicode"] == pytest.approx(shared / tokens)


prose = st.text(alphabet="abcXYZ019 \t\n.,;:!?'\"()[]{}_&#@`|$")


@given(prose, prose)
def test_prose_without_signs_scores_as_rouge_score_has_it(original: str, new: str) -> None:
    scores = of_one_pair(original, new)

    assert [scores[f"{name}_unicode"] for name in ROUGE] == [scores[name] for name in ROUGE]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("\0", id="NUL"),
        pytest.param("+", id="signs"),
        pytest.param("\u0301", id="marks without a letter"),
        pytest.param("\\a", id="commands"),
        pytest.param("ab-", id="hyphens"),
        pytest.param("> * ", id="bullets"),
        pytest.param("\u202eא\u202c", id="right to left"),
        pytest.param("👩\u200d👩\u200d👧", id="joined emoji"),
        pytest.param("a", id="one word"),
        pytest.param(" \u2003", id="blanks"),
    ],
)
def test_a_megabyte_of_anything_has_scores(text: str) -> None:
    long = text * (1_000_000 // len(text.encode()))
    scores = of_one_pair(long, f"{long} b")

    assert all(0.0 <= score <= 1.0 for score in scores.values())
