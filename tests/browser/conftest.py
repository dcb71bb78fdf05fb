"""A real browser on the real page. The tests are skipped where Debian's `chromium` is not installed."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.support.chromium import CHROMIUM, chromium, open_page
from tests.support.live import live_server


# Not for the session: while Playwright lives, its event loop runs in this thread, and the Lambda handler could not start its own.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no browser: apt-get install chromium")
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
def address(tiny_bundle: Path) -> Iterator[str]:
    with live_server(tiny_bundle) as url:
        yield url


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """The loaded page. Anything that the browser complains of, a blocked resource included, fails the test."""
    complaints: list[str] = []
    page = open_page(browser, address, complaints, viewport={"width": 1280, "height": 860})
    yield page
    page.close()
    assert complaints == []
