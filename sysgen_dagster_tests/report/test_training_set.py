"""A training set as the report tells of it."""

from sysgen_dagster.report.training_set import TrainingSet


def test_the_line_that_loads_it_can_be_typed_as_it_is() -> None:
    quoted = TrainingSet("mine", "/data/it's here/mine", [("train", 1)])
    [_, line] = quoted.load_lines
    assert line == """rows = load_dataset("/data/it's here/mine")"""


def test_a_folder_in_object_storage_is_fetched_first() -> None:
    away = TrainingSet("mine", "s3://bucket/exports/mine", [], is_here=False)
    assert away.load_lines == (
        "# first: aws s3 sync s3://bucket/exports/mine mine",
        "from datasets import load_dataset",
        "rows = load_dataset('mine')",
    )


def test_rows_are_counted_by_split() -> None:
    assert TrainingSet("a", "/a", [("train", 1204), ("test", 12)]).counted == "train 1,204, test 12"
    assert TrainingSet("a", "/a", []).counted == "no rows"
