"""The page of a book behind real proxies, in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect
from tests.browser.conftest import NewContext, sign_up
from tests.parts import KINDS_AT_LENGTH, Kind, Person, ReverseProxy, ServerProcess

#: More than a browser opens connections to a site over HTTP/1.1.
TABS = 10


@pytest.fixture(params=KINDS_AT_LENGTH)
def proxy(
    request: pytest.FixtureRequest, tmp_path: Path, server: ServerProcess
) -> Iterator[ReverseProxy]:
    """A proxy in front of the server."""
    kind: Kind = request.param
    folder = tmp_path / kind
    folder.mkdir()
    with ReverseProxy(kind, folder, server.port) as proxy:
        yield proxy


def test_many_tabs(proxy: ReverseProxy, new_context: NewContext, book: int) -> None:
    """Over HTTP/2 ten tabs of one browser are live at once, and one of them can still post."""
    context = new_context(ignore_https_errors=True)
    tabs = [context.new_page() for _ in range(TABS)]
    for tab in tabs:
        tab.goto(f"{proxy.url}/books/{book}/")
    for tab in tabs:
        expect(tab.locator("#sign")).to_have_text("live")

    sign_up(tabs[0], f"reader{book}")
    tabs[0].get_by_placeholder("Write a review").fill("to all tabs")
    tabs[0].get_by_role("button", name="Post").click()

    for tab in tabs:
        expect(tab.locator("#list .content")).to_have_text(["to all tabs"])


def test_restart_behind_a_proxy(
    proxy: ReverseProxy, server: ServerProcess, mina: Person, new_context: NewContext, book: int
) -> None:
    """A page is live again by itself after the proxy had no server to ask, and misses nothing."""
    page = new_context(ignore_https_errors=True).new_page()
    page.goto(f"{proxy.url}/books/{book}/")
    expect(page.locator("#sign")).to_have_text("live")

    server.stop()
    with page.expect_response(lambda response: response.status in {502, 503}):
        expect(page.locator("#sign")).to_have_text("reconnecting")
    server.start()
    mina.post(book, "meanwhile")

    expect(page.locator("#sign")).to_have_text("live")
    expect(page.locator("#list .content")).to_have_text(["meanwhile"])
