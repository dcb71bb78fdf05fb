"""Debian's `chromium`, started so that it runs on a build machine and calls nobody."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, Page, expect, sync_playwright

CHROMIUM = shutil.which("chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE_MS = 60_000
"""A build machine may be busy: a test that waits fails late, not by chance."""


def open_page(browser: Browser, address: str, complaints: list[str] | None = None, **options: Any) -> Page:
    """The loaded page, its samples and readiness included; further arguments are those of `new_page`.

    `complaints` takes the errors of its scripts and what its content policy blocked.
    """
    page = browser.new_page(**options)
    page.set_default_timeout(PATIENCE_MS)
    if complaints is not None:
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: complaints.append(said.text) if "Content Security Policy" in said.text else None)
    page.goto(address)
    page.wait_for_load_state("networkidle")
    return page


@contextmanager
def chromium() -> Iterator[Browser]:
    """A running browser. Only to be asked for where `CHROMIUM` is there."""
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()
