"""The page of the review: markup, style and script, as one text with its policy.

The policy lets the page run its own script and style, which it names by their hashes, and ask its
own server; nothing else. Rows never stand in the page: the script asks for them.
"""

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

_FOLDER = Path(__file__).parent


def render(settings: dict[str, Any]) -> tuple[str, str]:
    """The page and its policy, which belongs into the header ``Content-Security-Policy``.

    Args:
        settings: What the script needs to know before it asks for rows; can be written as JSON.
    """
    template, css, js = (
        (_FOLDER / name).read_text(encoding="utf-8")
        for name in ("page.html.j2", "page.css", "page.js")
    )
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    page = environment.from_string(template).render(
        css=Markup(css),  # noqa: S704 - a file of this package
        js=Markup(js),  # noqa: S704 - a file of this package
        settings=json.dumps(settings),
        report=settings["report"],
    )
    policy = (
        "default-src 'none'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
        f"frame-ancestors 'none'; style-src {_hash_source(css)}; script-src {_hash_source(js)}"
    )
    return page, policy


def _hash_source(text: str) -> str:
    """A style or script as the policy names it."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
