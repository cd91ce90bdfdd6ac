"""The templates of an export's texts: ``*.j2`` beside this module."""

from pathlib import Path
from typing import Any

import jinja2

from sysgen_dagster.training_sets.export.markdown import code, escape, markdown_table

_TEMPLATES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent),
    autoescape=False,  # noqa: S701 - not HTML: in Markdown the filters below escape
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)
_TEMPLATES.filters.update(text=escape, code=code, table=markdown_table)


def render_template(path: str, **values: Any) -> str:
    """The text of a template of this folder, such as ``card.md.j2``.

    Its filters: ``text`` and ``code`` show any value in one line of Markdown, ``table`` a frame.
    """
    return _TEMPLATES.get_template(path).render(values)
