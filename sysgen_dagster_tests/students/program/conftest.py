from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random Llama, a byte-level tokenizer and a ChatML template."""
    pytest.importorskip("torch", reason="run by `make test-train`")
    from sysgen_dagster_tests.vllm.tiny_model import write_model, write_tokenizer

    folder = tmp_path_factory.mktemp("tiny")
    size = write_tokenizer(folder, system_role=True, max_positions=4096)
    write_model(folder, vocabulary=size, max_positions=4096)
    return folder


@pytest.fixture
def tokenizer(tiny: Path) -> Any:
    """The tokenizer of the tiny model, which knows the marks of all templates."""
    from transformers import AutoTokenizer

    from sysgen_dagster_tests.students.program.chat_templates import MARKS

    tokenizer = AutoTokenizer.from_pretrained(tiny)
    tokenizer.add_special_tokens({"additional_special_tokens": MARKS})
    return tokenizer
