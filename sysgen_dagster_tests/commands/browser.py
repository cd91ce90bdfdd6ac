"""Who looks at our pages: a client with the printed address, and a Chromium where there is one."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

_CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
needs_chromium = pytest.mark.skipif(
    _CHROMIUM is None or find_spec("playwright") is None,
    reason="there is no Chromium to open a page in",
)


@contextmanager
def visiting(url: str) -> Iterator[httpx2.Client]:
    """A client that has opened the printed address, whose token it keeps as a cookie."""
    place = urlsplit(url)
    base = f"{place.scheme}://{place.netloc}"
    with httpx2.Client(base_url=base, follow_redirects=True, timeout=10) as client:
        assert client.get(f"/?{place.query}").status_code in (200, 404)  # a page may have no `/`
        yield client


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
