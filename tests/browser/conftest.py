"""A real Chromium."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from tests.parts import PASSWORD, Person, ServerProcess, missing

NAMES = ("chromium", "chromium-browser", "google-chrome")
#: The same browser without windows, and with a third less to do.
WINDOWLESS = "chromium-headless-shell"
ARGUMENTS = [
    "--no-sandbox",  # root, as in CI, may not use the sandbox
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

#: How long anything may take that is waited for: what is slow here is the machine.
PATIENCE_MS = 30_000

NewContext = Callable[..., BrowserContext]


def chromium_path(*, windows: bool = True) -> str:
    """Where the Chromium of the machine is; one that needs no windows is preferred if it may."""
    names = NAMES if windows else (WINDOWLESS, *NAMES)
    path = next(filter(None, map(shutil.which, names)), None)
    return path or missing("chromium")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The Chromium of the machine, headless; in the long suite the one that people have."""
    expect.set_options(timeout=PATIENCE_MS)
    path = chromium_path(windows="LIVRIA_TEST_LONG" in os.environ)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def new_context(browser: Browser) -> Iterator[NewContext]:
    """Opens windows that share nothing: each is another person. No script of theirs may fail."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def new(**options: Any) -> BrowserContext:
        context = browser.new_context(**{"locale": "en-US", **options})
        context.set_default_timeout(PATIENCE_MS)
        context.on("weberror", lambda error: complaints.append(str(error.error)))
        contexts.append(context)
        return context

    yield new
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server that the tests of a module share: each has a book of its own."""
    with ServerProcess(tmp_path_factory.mktemp("shared"), viewers="on") as server:
        yield server


@pytest.fixture(scope="module")
def jun(shared: ServerProcess) -> Iterator[Person]:
    """Somebody who writes there."""
    with Person(shared.url, "jun") as person:
        yield person


def sign_up(page: Page, username: str, *, scripts: bool = True) -> None:
    """Signs up with the form, as a person does, and comes back to the page.

    Until its scripts are there, the page is one without: its forms and links lead to other pages.
    """
    here = page.url
    page.get_by_role("link", name="Sign up").first.click()
    page.get_by_label("Username").fill(username)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign up").click()
    page.wait_for_url(here)
    if scripts:
        expect(page.locator("#sign")).to_have_attribute("data-state", "live")


def texts(page: Page) -> list[str]:
    """The reviews that a page shows, from the top."""
    return [text.strip() for text in page.locator("#list .content").all_inner_texts()]
