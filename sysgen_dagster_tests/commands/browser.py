"""A Chromium of this machine, where there is one."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

import pytest

_CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
needs_chromium = pytest.mark.skipif(
    _CHROMIUM is None or find_spec("playwright") is None,
    reason="there is no Chromium to open a page in",
)


@contextmanager
def opened_chromium(*options: str) -> Iterator[Any]:
    """A browser without a window; each page of it is a visitor of its own."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=_CHROMIUM, args=["--no-sandbox", *options]
        )
        yield browser
        browser.close()
