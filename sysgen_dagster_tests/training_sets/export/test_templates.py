"""Templates of an export's texts."""

import jinja2
import pytest

from sysgen_dagster.training_sets.export.templates import render_template

SNIPPET = "snippets/torchtune.yaml.j2"
VALUES = {"name": "small", "configuration": "default", "configurations": ["default"]}


def test_a_template_is_rendered_with_its_values() -> None:
    text = render_template(SNIPPET, **VALUES, max_length=4096)
    assert "\n  source: small  #" in text
    assert "\n  max_seq_len: 4096  #" in text
    assert text.endswith("\n")


def test_a_value_that_is_not_given_is_an_error() -> None:
    with pytest.raises(jinja2.UndefinedError, match="max_length"):
        render_template(SNIPPET, **VALUES)
