"""Fixtures of the page's tests: one browser a module, a page and a running program a test.

The browser's driver keeps an event loop running on the thread of the tests, so it must have ended before any
other test begins: a module's fixture has, one of the session has not.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from chromium import CHROMIUM, chromium
from page_world import PATIENCE_MS, PageWorld, Watched
from playwright.sync_api import Browser, Page, expect


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start Chromium; skip where it is missing."""
    if not CHROMIUM.exists():
        pytest.skip(f"Chromium is not installed: {CHROMIUM} not found")
    expect.set_options(timeout=PATIENCE_MS)
    with chromium() as running:
        yield running


@pytest.fixture
def world(tmp_path: Path) -> Iterator[PageWorld]:
    """Return an OMA without jobs and a VMA that knows nothing; the program does not run yet."""
    made = PageWorld(tmp_path)
    yield made
    made.close()


@pytest.fixture
def watched(browser: Browser) -> Iterator[Watched]:
    """Return an empty page; at the end nothing wrong may have come of it."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.set_default_timeout(PATIENCE_MS)
    made = Watched(context.new_page())
    yield made
    context.close()
    assert made.errors == []
    assert made.hosts <= {"127.0.0.1"}


@pytest.fixture
def page(watched: Watched) -> Page:
    """Return that page."""
    return watched.page
