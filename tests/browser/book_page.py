"""The page of a book, in a window of somebody."""

from __future__ import annotations

import itertools
from typing import Any

from playwright.sync_api import BrowserContext, Locator, expect
from tests.parts import PASSWORD, ServerProcess

_NUMBERS = itertools.count(1)


def sign_up_quickly(context: BrowserContext, server: ServerProcess, username: str = "") -> str:
    """Gives a browser the session of somebody new; their name."""
    username = username or f"reader{next(_NUMBERS)}"
    address = f"{server.url}/api/accounts/signup/"
    answer = context.request.post(address, data={"username": username, "password": PASSWORD})
    assert answer.ok, answer.text()
    return username


class BookPage:
    """A page that is live, and what is on it."""

    def __init__(self, context: BrowserContext, server: ServerProcess, book: int) -> None:
        self.page = context.new_page()
        self.page.goto(f"{server.url}/books/{book}/")
        self.is_live()

    def is_live(self) -> None:
        """Waits until it is."""
        expect(self.page.locator("#sign")).to_have_attribute("data-state", "live")

    def shows(self, *contents: str) -> None:
        """Waits until it shows just these reviews, from the top."""
        expect(self.page.locator("#list .content")).to_have_text([*contents])

    def review(self, content: str) -> Locator:
        """The review with a text."""
        return self.page.locator("#list > li").filter(has_text=content)

    @property
    def field(self) -> Locator:
        """Where a new review is typed."""
        return self.page.locator("#write textarea")

    @property
    def pill(self) -> Locator:
        """The button that tells of reviews which wait."""
        return self.page.locator("#pill")

    @property
    def notice(self) -> Locator:
        """The bar that says what was done."""
        return self.page.locator("#notice")

    @property
    def said(self) -> Locator:
        """What a screen reader says last."""
        return self.page.locator("#said")

    def write(self, content: str) -> None:
        """Posts a review by the form; it may be pending still."""
        self.field.fill(content)
        self.page.locator("#write button").click()

    def edit(self, content: str) -> Locator:
        """Opens the form to edit a review; its field."""
        self.review(content).locator("[data-action=edit]").click()
        return self.page.locator("#list textarea")

    def delete(self, content: str) -> None:
        """Presses on the link to delete a review."""
        self.review(content).locator("[data-action=delete]").click()

    def rests(self) -> None:
        """Waits until nothing glides any more."""
        self.page.wait_for_function("() => document.getAnimations().length === 0")

    def scroll_down(self) -> None:
        """Scrolls to the end, from where the top of the list is far above."""
        self.rests()
        self.page.evaluate("scrollTo({top: document.body.scrollHeight, behavior: 'instant'})")

    def top_of(self, content: str) -> float:
        """How far below the top of the window a review is, in CSS pixels."""
        self.rests()
        box = self.review(content).bounding_box()
        assert box, f"{content!r} is not shown"
        return float(box["y"])

    def focused(self) -> Any:
        """The text of what has the keyboard."""
        return self.page.evaluate("document.activeElement.textContent.trim()")
