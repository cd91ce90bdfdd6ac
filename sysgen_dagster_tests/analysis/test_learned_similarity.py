"""BERTScore and BLEURT: what they find with models made on the spot, and why they find nothing.

What needs torch is skipped where it is not installed; `pip install bert-score==0.3.13` adds the
comparison with the library, `pip install bleurt-pytorch 'transformers<5'` the tests of BLEURT.
"""

import importlib
import importlib.util
import random
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sysgen_dagster.analysis.learned_similarity import measure_learned_similarity
from sysgen_dagster.analysis.tables import LEARNED_SIMILARITY
from sysgen_dagster.catalog.operations import LearnedSimilarity

WORDS = ["the", "a", "cat", "dog", "sat", "ran", "on", "mat", "rug", "and", "then", "it", "was"]
WORDS += ["red", "blue", "big", "small", ".", ",", "?"]
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
LAYERS, POSITIONS = 3, 64
INSTALLED = {
    name: importlib.util.find_spec(name) is not None
    for name in ("torch", "transformers", "bleurt_pytorch")
}
PAIRS = pl.DataFrame(
    {
        "source": ["a", "b", "a"],
        "answer": ["the cat sat on the mat .", "a dog ran .", "it was red"],
        "new_answer": [
            "the cat sat on the mat .",
            "then a small dog ran .",
            "it was blue , and big",
        ],
    }
)
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")


def sentences(count: int, longest: int) -> list[str]:
    chance = random.Random(0)
    return [" ".join(chance.choices(WORDS, k=chance.randint(1, longest))) for _ in range(count)]


def only(table: pl.DataFrame, metric: str, source: str = "a") -> dict[str, Any]:
    return table.row(
        by_predicate=(pl.col("metric") == metric) & (pl.col("source") == source), named=True
    )


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of a BERT with random weights and a vocabulary of a few words."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    folder = tmp_path_factory.mktemp("weights") / "bert"
    _save_tokenizer(transformers.BertTokenizerFast, folder)
    torch.manual_seed(0)
    config = transformers.BertConfig(**_shape(), attn_implementation="eager")
    transformers.BertModel(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def bleurt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch = pytest.importorskip("torch")
    try:
        package = importlib.import_module("bleurt_pytorch")
    except ImportError as error:
        pytest.skip(f"no bleurt_pytorch: {error}")
    folder = tmp_path_factory.mktemp("weights") / "bleurt"
    _save_tokenizer(
        importlib.import_module(
            "bleurt_pytorch.bleurt.tokenization_bleurt_fast"
        ).BleurtTokenizerFast,
        folder,
    )
    torch.manual_seed(0)
    model = package.BleurtForSequenceClassification(package.BleurtConfig(**_shape()))
    model.save_pretrained(folder)
    return folder


def _save_tokenizer(kind: Any, folder: Path) -> None:
    folder.mkdir()
    vocabulary = folder / "vocab.txt"
    vocabulary.write_text("\n".join(SPECIAL + WORDS))
    words = {word: number for number, word in enumerate(SPECIAL + WORDS)}
    from transformers import __version__

    given = {"vocab": words} if __version__.startswith("5.") else {"vocab_file": str(vocabulary)}
    kind(**given, model_max_length=POSITIONS).save_pretrained(folder)


def _shape() -> dict[str, int]:
    return {
        "vocab_size": len(SPECIAL + WORDS),
        "hidden_size": 32,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": 2,
        "intermediate_size": 48,
        "max_position_embeddings": POSITIONS,
    }


def test_without_weights_both_metrics_have_rows_that_say_so() -> None:
    lines: list[str] = []
    table = measure_learned_similarity(PAIRS, LearnedSimilarity(), lines.append)

    assert table.schema == LEARNED_SIMILARITY.schema
    assert table.select("source", "metric", "rows", "mean", "deviation", "computed").rows() == [
        (source, metric, 0, None, None, False)
        for source in ("a", "b")
        for metric in ("bertscore", "bleurt")
    ]
    assert only(table, "bertscore")["how"] == (
        "no weights: name them in `learned_similarity.bertscore_weights`"
    )
    assert len(lines) == 2


def test_of_no_pairs_there_is_no_row() -> None:
    table = measure_learned_similarity(
        PAIRS.clear(), LearnedSimilarity(bertscore_weights="/no/folder")
    )
    assert table.is_empty()
    assert table.schema == LEARNED_SIMILARITY.schema


@pytest.mark.skipif(INSTALLED["torch"], reason="torch is installed")
@pytest.mark.parametrize(("metric", "extra"), [("bertscore", "bertscore"), ("bleurt", "bleurt")])
def test_without_torch_the_reason_names_what_to_install(metric: str, extra: str) -> None:
    settings = LearnedSimilarity(bertscore_weights="/a/folder", bleurt_weights="/a/folder")
    row = only(measure_learned_similarity(PAIRS, settings), metric)
    assert row["how"] == f"torch is not installed: pip install 'sysgen-dagster[{extra}]'"


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ImportError("cannot import name 'x'\nfrom y"), "torch cannot be imported: cannot import"),
        (ModuleNotFoundError("No module named 'z'", name="z"), "torch cannot be imported: No mod"),
        (OSError("libcudart.so: no such file"), "torch cannot be imported: libcudart.so"),
    ],
)
def test_a_package_that_does_not_import_is_a_reason(
    monkeypatch: pytest.MonkeyPatch, error: Exception, reason: str
) -> None:
    def fail(name: str) -> None:
        raise error

    monkeypatch.setattr(importlib, "import_module", fail)
    settings = LearnedSimilarity(bertscore_weights="/a/folder")
    how = only(measure_learned_similarity(PAIRS, settings), "bertscore")["how"]
    assert how.startswith(reason)
    assert "\n" not in how


def test_nothing_is_imported_where_nothing_is_computed() -> None:
    before = {"torch", "transformers"} & sys.modules.keys()
    measure_learned_similarity(PAIRS, LearnedSimilarity())
    assert {"torch", "transformers"} & sys.modules.keys() == before


def test_equal_answers_score_one_and_others_less(bert: Path) -> None:
    lines: list[str] = []
    settings = LearnedSimilarity(bertscore_weights=str(bert), bertscore_layer=2)
    table = measure_learned_similarity(PAIRS, settings, lines.append)
    same = measure_learned_similarity(PAIRS.with_columns(new_answer="answer"), settings)

    assert same.filter(metric="bertscore")["mean"].to_list() == pytest.approx([1, 1], abs=1e-5)
    row = only(table, "bertscore")
    assert row["rows"] == 2
    assert 0 < row["mean"] < 1 - 1e-3
    assert row["deviation"] > 0
    assert only(table, "bertscore", "b")["deviation"] is None  # of one pair
    assert lines[-2].startswith("bertscore: 3 of 3 pairs")
    how = f"F1, {bert}, layer 2 of 3, idf no, rescaling no, fp32 on cpu, 0.0% of the pairs cut at"
    assert row["how"].startswith(how)
    assert ", torch " in row["how"]
    assert ", transformers " in row["how"]


@pytest.mark.parametrize("layer", [1, 2, 3, None])
def test_f1_is_that_of_the_library(bert: Path, layer: int | None) -> None:
    pytest.importorskip("pandas")
    library = pytest.importorskip("bert_score")
    texts = [*sentences(60, 90), "unknown words", "[SEP]", "the"]
    others = [*sentences(70, 90)[10:], "unknown words", "a dog .", " it\n"]
    pairs = pl.DataFrame(
        {"source": [str(n) for n in range(63)], "answer": texts, "new_answer": others}
    )
    settings = LearnedSimilarity(bertscore_weights=str(bert), bertscore_layer=layer)
    ours = measure_learned_similarity(pairs, settings).filter(metric="bertscore")
    _, _, theirs = library.score(
        others, texts, model_type=str(bert), num_layers=layer or LAYERS, use_fast_tokenizer=True
    )
    expected = pl.DataFrame({"source": pairs["source"], "f1": theirs.tolist()})
    joined = ours.join(expected, on="source", validate="1:1")
    assert joined["mean"].to_list() == pytest.approx(joined["f1"].to_list(), abs=1e-5)
    assert joined["f1"].n_unique() > 50


@pytest.mark.parametrize(("answer", "new_answer"), [("", "a cat"), ("a cat", " \n"), ("", "")])
def test_a_pair_with_an_empty_text_scores_zero(bert: Path, answer: str, new_answer: str) -> None:
    pairs = pl.DataFrame({"source": ["a"], "answer": [answer], "new_answer": [new_answer]})
    settings = LearnedSimilarity(bertscore_weights=str(bert))
    assert only(measure_learned_similarity(pairs, settings), "bertscore")["mean"] == 0


def test_a_text_is_cut_only_at_the_models_length_and_it_is_said(bert: Path) -> None:
    long = " ".join(["cat"] * (POSITIONS - 2))
    pairs = pl.DataFrame(
        {
            "source": ["a"] * 4,
            "answer": [long, long + " dog", "cat", "cat " * 500_000],
            "new_answer": [long, "cat", "cat", "\0<script>\u202e\u6f22\U0001f600 \\frac{1}{2}"],
        }
    )
    settings = LearnedSimilarity(bertscore_weights=str(bert))
    row = only(measure_learned_similarity(pairs, settings), "bertscore")
    assert "50.0% of the pairs cut at 64 tokens" in row["how"]
    assert row["rows"] == 4


def test_the_order_and_company_of_the_pairs_change_nothing(bert: Path) -> None:
    texts = sentences(20, 60)
    pairs = pl.DataFrame({"source": texts, "answer": texts, "new_answer": texts[::-1]}).unique(
        "source", keep="first", maintain_order=True
    )
    settings = LearnedSimilarity(bertscore_weights=str(bert))
    whole = measure_learned_similarity(pairs, settings)
    alone = pl.concat(measure_learned_similarity(part, settings) for part in pairs.iter_slices(1))
    alone = alone.sort("source", "metric")
    assert whole["mean"].drop_nulls().to_list() == pytest.approx(
        alone["mean"].drop_nulls().to_list(), abs=1e-5
    )


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        ("missing folder", "cannot be loaded"),
        ("no config.json", "cannot be loaded"),
        ("broken config.json", "cannot be loaded"),
        ("no weights", "cannot be loaded"),
        ("broken weights", "cannot be loaded"),
        ("fewer words", "cannot be loaded"),
        ("a layer too few", "lacks 16 tensors, such as encoder.layer.2"),
    ],
)
def test_a_broken_folder_is_a_reason(bert: Path, tmp_path: Path, damage: str, reason: str) -> None:
    folder = tmp_path / "weights"
    for file in bert.iterdir():
        folder.mkdir(exist_ok=True)
        (folder / file.name).write_bytes(file.read_bytes())
    _damage(folder, damage)
    settings = LearnedSimilarity(bertscore_weights=str(folder))
    row = only(measure_learned_similarity(PAIRS, settings), "bertscore")
    assert not row["computed"]
    assert row["how"].startswith(f"{folder} {reason}"), row["how"]


def _damage(folder: Path, damage: str) -> None:
    config, weights = folder / "config.json", folder / "model.safetensors"
    match damage:
        case "missing folder":
            folder.rename(folder.with_name("elsewhere"))
        case "no config.json":
            config.unlink()
        case "broken config.json":
            config.write_text("{")
        case "no weights":
            weights.unlink()
        case "broken weights":
            weights.write_bytes(weights.read_bytes()[:1000])
        case "fewer words":
            config.write_text(config.read_text().replace('"vocab_size": 25', '"vocab_size": 20'))
        case "a layer too few":
            from safetensors.torch import load_file, save_file

            kept = {name: t for name, t in load_file(weights).items() if "layer.2." not in name}
            save_file(kept, weights, metadata={"format": "pt"})


def test_a_layer_that_the_model_does_not_have_is_a_reason(bert: Path) -> None:
    settings = LearnedSimilarity(bertscore_weights=str(bert), bertscore_layer=4)
    row = only(measure_learned_similarity(PAIRS, settings), "bertscore")
    assert row["how"].startswith(f"{bert} has 3 layers")


@pytest.mark.skipif(not all(INSTALLED.values()), reason="needs bleurt-pytorch")
def test_bleurt_says_which_transformers_it_needs(bert: Path) -> None:
    import transformers

    if transformers.__version__.startswith("4."):
        pytest.skip("bleurt-pytorch imports with this transformers")
    row = only(
        measure_learned_similarity(PAIRS, LearnedSimilarity(bleurt_weights=str(bert))), "bleurt"
    )
    assert row["how"].startswith("bleurt_pytorch cannot be imported (it needs transformers below 5")


def test_weights_of_another_kind_are_not_taken_for_bleurt(bert: Path, bleurt: Path) -> None:
    row = only(
        measure_learned_similarity(PAIRS, LearnedSimilarity(bleurt_weights=str(bert))), "bleurt"
    )
    assert row["how"].startswith(f"{bert} lacks ")


def test_bleurt_takes_any_text(bleurt: Path) -> None:
    answers = ["cat " * 500_000, "", "\0<script>\u202e\u6f22\U0001f600"]
    pairs = pl.DataFrame({"source": ["a"] * 3, "answer": answers, "new_answer": answers[::-1]})
    row = only(
        measure_learned_similarity(pairs, LearnedSimilarity(bleurt_weights=str(bleurt))), "bleurt"
    )
    assert row["rows"] == 3
    assert "66.7% of the pairs cut at 64 tokens" in row["how"]


def test_bleurt_is_the_models_estimate_of_the_new_answer(bleurt: Path) -> None:
    import torch
    from bleurt_pytorch import BleurtForSequenceClassification, BleurtTokenizer

    texts, others = sentences(40, 90), sentences(60, 90)[20:]
    sources = [f"{number:02}" for number in range(40)]
    pairs = pl.DataFrame({"source": sources, "answer": texts, "new_answer": others})
    ours = measure_learned_similarity(pairs, LearnedSimilarity(bleurt_weights=str(bleurt)))
    ours = ours.filter(metric="bleurt")

    model = BleurtForSequenceClassification.from_pretrained(bleurt).eval()
    tokenizer = BleurtTokenizer.from_pretrained(bleurt)
    inputs = tokenizer(texts, others, padding=True, truncation=True, return_tensors="pt")
    with torch.no_grad():
        expected = model(**inputs).logits.flatten().tolist()
    assert ours["mean"].to_list() == pytest.approx(expected, abs=1e-5)
    whole = [len(ids) for ids in tokenizer(texts, others, verbose=False)["input_ids"]]
    cut = sum(length > POSITIONS for length in whole) / 40
    assert 0 < cut < 1
    assert f", 3 layers, fp32 on cpu, {cut:.1%} of the pairs cut at 64 tokens," in ours["how"][0]
