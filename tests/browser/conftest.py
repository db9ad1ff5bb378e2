"""Pages in a real browser: Debian's Chromium, driven by Playwright. Without one these tests are skipped and say so."""

import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import pytest
from playwright.sync_api import Browser, Page, Request, sync_playwright

T = TypeVar("T")

QUIET = ["--disable-quic", "--disable-background-networking", "--disable-component-update", "--disable-sync"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for the tests of a file. While it is open, no other event loop can run in this thread."""
    program = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if program is None:
        pytest.skip("there is no Chromium here; install it, or name its program in CHROMIUM")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=QUIET, chromium_sandbox=False)
        yield started
        started.close()


def apart(work: Callable[[], T]) -> T:
    """Run work that needs its own event loop in another thread, because Playwright has one in this thread."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result()


@dataclass
class Opened:
    """A page, with its errors and its requests."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)


Open = Callable[..., Opened]


@pytest.fixture
def open_page(browser: Browser, tmp_path: Path) -> Iterator[Open]:
    """Open HTML, or a file with it, as a local file."""
    contexts = []

    def opened(html: str | Path, fragment: str = "", *, script: bool = True, width: int = 1140) -> Opened:
        file = html if isinstance(html, Path) else tmp_path / "page.html"
        if isinstance(html, str):
            file.write_text(html, encoding="utf-8")
        context = browser.new_context(java_script_enabled=script, viewport={"width": width, "height": 900})
        contexts.append(context)
        found = Opened(context.new_page())

        def ask(request: Request) -> None:
            if not request.url.startswith("file:"):
                found.asked.append(request.url)

        found.page.on("console", lambda message: found.complaints.append(message.text))
        found.page.on("pageerror", lambda error: found.complaints.append(str(error)))
        found.page.on("request", ask)
        found.page.goto(file.as_uri() + fragment)
        return found

    yield opened
    for context in contexts:
        context.close()
