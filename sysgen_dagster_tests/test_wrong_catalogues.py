"""Catalogues that are wrong, and what a person is told: each fault once, with line and fix."""

from pathlib import Path

import pytest

from sysgen_dagster.catalog.load import CatalogError
from sysgen_dagster.lanes.catalog import load_catalog

SOURCES = "sources:\n  s: {path: rows.jsonl}\n"
MODELS = "models:\n  m: {base_urls: [http://127.0.0.1:8000/v1]}\n"
RIGHT = SOURCES + MODELS  # four lines

WRONG: dict[str, tuple[str, list[str]]] = {
    "a section as a list": (
        f"sources:\n  - {{name: s, path: rows.jsonl}}\n{MODELS}",
        ["sources (line 1): must be fields with values, as {name: value}"],
    ),
    "empty sections": (
        "sources:\nmodels: {}\n",
        ["sources (line 1): is missing", "models (line 2): needs at least 1"],
    ),
    "a source as a path": (
        f"sources:\n  s: rows.jsonl\n{MODELS}",
        ["sources.s (line 2): must be fields with values, as {name: value}, of title, license, "],
    ),
    "a source of which nothing is said": (
        f"sources:\n  s:\n{MODELS}",
        ["sources.s (line 2): give one of `hub`, `github`, `path`"],
    ),
    "sections in capitals": (
        RIGHT.replace("sources", "Sources").replace("models", "Models"),
        [
            "Sources (line 1): is no field here: did you mean `sources`?",
            "Models (line 3): is no field here: did you mean `models`?",
        ],
    ),
    "no blank after a colon": (
        f"sources:\n  s: {{path:rows.jsonl}}\n{MODELS}",
        ["sources.s.path:rows.jsonl (line 2): is no field here: write a blank after the colon of"],
    ),
    "names that are no names": (
        "sources:\n  My-Set: {path: rows.jsonl}\n  '5': {path: rows.jsonl}\n"
        "models:\n  Qwen/Qwen3: {base_urls: [http://h:1/v1]}\n",
        [
            "sources.My-Set (line 2): must be up to 100 lower-case letters, digits and _, begin",
            "sources.5 (line 3): must be up to 100 lower-case letters, digits and _, begin",
            "models.Qwen/Qwen3 (line 5): must be up to 100 lower-case letters, digits and . _ -, ",
        ],
    ),
    "a shape as a text": (
        f"sources:\n  s: {{path: rows.jsonl, shape: messages}}\n{MODELS}",
        ["sources.s.shape (line 2): must be fields with values, as {name: value} (found: messages"],
    ),
    "a shape without its kind": (
        f"sources:\n  s: {{path: rows.jsonl, shape: {{column: question}}}}\n{MODELS}",
        ["sources.s.shape.kind (line 2): is missing: it is one of sharegpt, messages, "],
    ),
    "a type of a column": (
        "sources:\n  s:\n    path: rows.jsonl\n"
        f"    columns: {{question: int, answer: {{x: 1}}}}\n{MODELS}",
        [
            "sources.s.columns.question (line 4): must be 'string' or a list, as [a, b] (found",
            "sources.s.columns.answer (line 4): must be 'string' or a list, as [a, b]",
        ],
    ),
    "columns that lack what the rows show": (
        f"sources:\n  s: {{path: rows.jsonl, columns: {{question: string}}}}\n{MODELS}",
        ["sources.s.columns (line 2): `shape` uses ['answer'], which `columns` does not list: "],
    ),
    "the address of a repository": (
        "sources:\n  s:\n    hub: {repo: 'https://huggingface.co/a/b'}\n"
        f"    shape: {{kind: messages, column: m}}\n{MODELS}",
        ["sources.s.hub.repo (line 3): must be OWNER/NAME as on the Hub, without its address"],
    ),
    "values of the wrong type": (
        "sources:\n  s: {path: rows.jsonl, shards: 2.0, title: 42}\n"
        "models:\n  m: {gpus: [], vllm: {flag: [1]}, has_system_role: maybe}\n",
        [
            "sources.s.title (line 2): must be a text: put it in quotes (found: 42)",
            "sources.s.shards (line 2): must be a whole number (found: 2.0)",
            "models.m.vllm.flag (line 4): must be a text or a whole number or a number or true or",
            "models.m.gpus (line 4): needs at least 1 (found: [])",
            "models.m.has_system_role (line 4): must be true or false (found: maybe)",
        ],
    ),
    "an entry that is repeated by an alias": (
        f"{SOURCES}models:\n  m: &m {{engine: foo}}\n  n: *m\n",
        [
            "models.m.engine (line 4): must be 'vllm', 'llama_cpp', 'endpoint' or 'simulated'",
            "models.n.engine (line 4): must be 'vllm', 'llama_cpp', 'endpoint' or 'simulated'",
        ],
    ),
    "two that are no entries are merged": (
        f"{SOURCES}models:\n  m:\n    <<: [a, b]\n",
        ["models.m.<< (line 5): merges what is no entry with fields"],
    ),
    "a preset instead of the method": (
        f"{RIGHT}method: best\n",
        ["method (line 5): must be fields with values, as {name: value}, of preset, drop_rule, "],
    ),
    "a time that is none": (
        f"{RIGHT}filling: {{cron: every day}}\n",
        ["filling.cron (line 5): must be five fields of cron, such as '*/30 * * * *': minute, "],
    ),
    "something in every section": (
        "sources:\n  s: {path: row.jsonl, exchanges: all}\nmodels:\n  m: {base_url: [http://h/v1]}\n"
        "judging: {judge: gpt, rows: 5}\nmixtures:\n  a: {sources: [t], rows: 0}\n"
        "training: {validation: 0.6, test: 0.5}\nfilling: {partitions_a_tick: 0}\nmethods: {}\n",
        [
            "sources.s.path (line 2): there is no file ",
            "sources.s.exchanges (line 2): must be 'each', 'first', 'last' or 'whole' (found: all)",
            "models.m.base_url (line 4): is no field here: did you mean `base_urls`?",
            "judging.judge (line 5): gpt is no entry of `models` or `judges`: there are m. Correct",
            "judging.rows (line 5): is no field here: leave it out, or take one of judge, ",
            "mixtures.a.sources.0 (line 7): t is no entry of `sources`: there are s. Correct it or",
            "mixtures.a.rows (line 7): must be greater than 0 (found: 0)",
            "training.validation (line 8): `validation` and `test` together must leave rows to",
            "filling.partitions_a_tick (line 9): must be greater than 0 (found: 0)",
            "methods (line 10): is no field here: did you mean `method`?",
        ],
    ),
}
NO_YAML = {
    "a tab": (
        f"sources:\n\ts: {{path: rows.jsonl}}\n{MODELS}",
        "indent with blanks, line 2, column 1",
    ),
    "another indentation": (
        f"sources:\n  s:\n    path: rows.jsonl\n   shards: 2\n{MODELS}",
        "the line is indented otherwise than those that it belongs to, line 4, column 4",
    ),
    "a brace that stays open": (
        f"sources:\n  s: {{path: rows.jsonl\n{MODELS}",
        "a `{` before it is not closed, or a comma is missing, line 3, column 7",
    ),
    "a name without a colon": (
        f"sources\n{MODELS}",
        "or give the name before it its own, line 2, column 7",
    ),
    "a name without a colon after other fields": (
        f"{SOURCES}license\n{MODELS}",
        "a name before it has no `:` after it, line 4, column 1",
    ),
    "a sign of YAML": (
        f"sources:\n  s: {{path: @rows.jsonl}}\n{MODELS}",
        "a text cannot begin with this sign: put it in quotes, line 2, column 13",
    ),
    "a quote that stays open": (
        f"{RIGHT}training: {{common_system_message: 'You are}}\n",
        "a text in quotes is not closed, line 6, column 1",
    ),
    "two documents": (f"{SOURCES}---\n{MODELS}", "a catalogue is one, so leave it out, line 3"),
    "a second colon": (
        f"sources:\n  s:\n    title: Support: chats\n{MODELS}",
        "no colon can stand here: put the text in quotes, or give the name before",
    ),
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "rows.jsonl").write_text('{"question": "Why is that?", "answer": "It is so."}\n')
    return tmp_path / "catalog.yaml"


def told(file: Path, text: str) -> list[str]:
    file.write_text(text)
    with pytest.raises(CatalogError) as raised:
        load_catalog(file)
    return str(raised.value).splitlines()


@pytest.mark.parametrize(("text", "faults"), WRONG.values(), ids=WRONG)
def test_each_fault_is_told_once_with_its_line_and_its_fix(
    file: Path, text: str, faults: list[str]
) -> None:
    _, *lines = told(file, text)

    assert [line[2 : 2 + len(fault)] for line, fault in zip(lines, faults, strict=True)] == faults


@pytest.mark.parametrize(("text", "what"), NO_YAML.values(), ids=NO_YAML)
def test_what_is_no_yaml_is_told_in_words_that_name_the_fix(
    file: Path, text: str, what: str
) -> None:
    [line] = told(file, text)

    assert what in line


def test_what_is_no_utf_8_is_to_be_saved_as_such(file: Path) -> None:
    file.write_bytes(f"{SOURCES}# \xe9\n{MODELS}".encode("latin-1"))
    with pytest.raises(CatalogError, match="is not UTF-8 from byte 35: save it as UTF-8"):
        load_catalog(file)


def test_of_very_many_faults_the_first_are_told_and_the_rest_are_counted(file: Path) -> None:
    sources = "".join(f"  s{number}: {{path: no.jsonl}}\n" for number in range(60))
    head, *faults, rest = told(file, f"sources:\n{sources}{MODELS}")

    assert "has 60 wrong entries" in head
    assert (len(faults), rest) == (50, "  and 10 more")


@pytest.mark.parametrize("field", ["shape", "columns", "exchanges", "shards", "rows", "title"])
def test_a_field_of_a_source_of_which_nothing_is_said_is_as_if_left_out(
    file: Path, field: str
) -> None:
    file.write_text(RIGHT)
    whole = load_catalog(file)
    file.write_text(f"sources:\n  s: {{path: rows.jsonl, {field}: }}\n{MODELS}")

    assert load_catalog(file) == whole
