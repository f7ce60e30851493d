"""Editing and deleting a review in its place, by hand, by keyboard, and in silence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from tests.browser.book_page import BookPage, sign_up_quickly
from tests.browser.conftest import NewContext
from tests.parts import Person, ServerProcess


@pytest.fixture
def context(shared: ServerProcess, new_context: NewContext) -> BrowserContext:
    """The browser of somebody who is signed in."""
    context = new_context()
    sign_up_quickly(context, shared)
    return context


@pytest.fixture
def book(shared: ServerProcess) -> int:
    """A book of the test's own."""
    return shared.add_book()


@pytest.fixture
def mine(context: BrowserContext, shared: ServerProcess, book: int) -> BookPage:
    """Its page, with three reviews by who reads it."""
    page = BookPage(context, shared, book)
    for content in ("first", "second", "third"):
        page.write(content)
    page.shows("third", "second", "first")
    expect(page.page.locator(".pending")).to_have_count(0)
    return page


def until(page: Page, condition: Callable[[], Any]) -> None:
    """Waits until something is true that no page tells."""
    for _ in range(500):
        if condition():
            return
        page.wait_for_timeout(20)
    raise AssertionError("it never came to pass")


def kept(jun: Person, book: int) -> list[str]:
    """The reviews that the server has, newest first."""
    return [review["content"] for review in jun.get(f"/api/books/{book}/")["reviews"]]


def test_edits_are_made_in_place(mine: BookPage) -> None:
    """Who saves an edit sees the new text where the old one was, marked, and goes on from there."""
    mine.edit("second").fill("second, and more")
    mine.page.keyboard.press("Tab")
    mine.page.keyboard.press("Enter")

    mine.shows("third", "second, and more", "first")
    review = mine.review("second, and more")
    expect(review.locator(".edited")).to_be_visible()
    expect(review.locator("[data-action=edit]")).to_be_focused()
    expect(mine.said).to_have_text("The review is changed.")
    expect(mine.review("first").locator(".edited")).to_be_hidden()


def test_edits_by_keys(mine: BookPage) -> None:
    """Control and Enter save an edit; Escape ends one in which nothing was typed, and no other."""
    field = mine.edit("second")
    field.press("Escape")
    expect(field).to_have_count(0)
    field = mine.edit("second")
    field.fill("second, and more")
    field.press("Escape")
    expect(field).to_have_value("second, and more")
    field.press("Control+Enter")

    mine.shows("third", "second, and more", "first")
    expect(field).to_have_count(0)


def test_edits_can_be_cancelled(mine: BookPage) -> None:
    """Who cancels an edit sees the old text and goes on from there; nothing of it is kept."""
    mine.edit("second").fill("something else")
    mine.page.get_by_role("button", name="Cancel").click()

    mine.shows("third", "second", "first")
    expect(mine.review("second").locator("[data-action=edit]")).to_be_focused()
    expect(mine.edit("second")).to_have_value("second")


def test_failed_edits_keep_the_text(mine: BookPage) -> None:
    """An edit that was refused stays in its form, with the reason beside it."""
    field = mine.edit("second")
    field.fill("x" * 5001)
    mine.page.get_by_role("button", name="Save").click()

    failed = mine.page.locator("#list .failed")
    expect(failed).to_contain_text("Your review could not be changed.")
    expect(failed).to_contain_text("5,000")
    expect(field).to_have_value("x" * 5001)


def test_drafts_of_edits_survive_a_reload(mine: BookPage) -> None:
    """An edit that was not saved before a reload goes on with what was typed."""
    draft = mine.page.get_by_text("draft kept")
    mine.edit("second").fill("half an edit")
    mine.page.reload()
    expect(mine.review("second").locator(draft)).to_be_visible()
    expect(draft.locator("visible=true")).to_have_count(1)
    field = mine.edit("second")
    expect(field).to_have_value("half an edit")
    mine.page.get_by_role("button", name="Save").click()

    mine.shows("third", "half an edit", "first")
    expect(draft.locator("visible=true")).to_have_count(0)
    expect(mine.edit("half an edit")).to_have_value("half an edit")


def test_drafts_end_with_what_they_are_of(
    mine: BookPage, context: BrowserContext, shared: ServerProcess, book: int
) -> None:
    """What reads like the review is no draft of it, nor is what was cancelled or is of none."""
    field = mine.edit("second")
    field.press("End")
    field.press("!")
    other = BookPage(context, shared, book)
    draft = other.page.get_by_text("draft kept").locator("visible=true")
    expect(draft).to_have_count(1)
    field.press("Backspace")
    expect(draft).to_have_count(0)
    field.press("?")
    expect(draft).to_have_count(1)
    mine.page.get_by_role("button", name="Cancel").click()
    expect(draft).to_have_count(0)

    mine.edit("first").fill("first, and more")
    expect(draft).to_have_count(1)
    mine.page.reload()
    mine.is_live()
    other.delete("first")
    other.delete("third")
    mine.shows("third", "second")
    assert mine.page.evaluate("Object.keys(localStorage).filter((key) => /draft/.test(key))") == []


def test_texts_that_change_under_an_edit(
    mine: BookPage, context: BrowserContext, shared: ServerProcess
) -> None:
    """Who has typed nothing sees the new text in the form; who has, above it, and is told."""

    def edit_elsewhere(content: str) -> None:
        number = mine.page.locator("#list > li").nth(1).get_attribute("data-id")
        address = f"{shared.url}/api/reviews/{number}/"
        assert context.request.patch(address, data={"content": content}).ok

    field, told = mine.edit("second"), mine.page.get_by_text("Meanwhile the review was changed")
    edit_elsewhere("second, elsewhere")
    expect(field).to_have_value("second, elsewhere")
    expect(told).to_be_hidden()

    field.fill("typed")
    edit_elsewhere("second, again")
    expect(told).to_be_visible()
    expect(mine.page.get_by_text("second, again")).to_be_visible()
    expect(field).to_have_value("typed")
    mine.page.reload()
    expect(mine.edit("second, again")).to_have_value("typed")
    expect(told).to_be_visible()
    mine.page.get_by_role("button", name="Save").click()
    mine.shows("third", "typed", "first")
    expect(field).to_have_count(0)


def test_deletions_can_be_undone(mine: BookPage, jun: Person, book: int) -> None:
    """A deleted review is gone from the page, can be had back, and the server heard nothing."""
    mine.delete("second")
    mine.shows("third", "first")
    expect(mine.page.locator("#count")).to_have_text("2 reviews")
    expect(mine.said).to_have_text("The review is deleted.")
    expect(mine.notice.get_by_role("button", name="Undo")).to_be_focused()
    mine.page.keyboard.press("Enter")

    mine.shows("third", "second", "first")
    expect(mine.page.locator("#count")).to_have_text("3 reviews")
    expect(mine.notice).to_be_hidden()
    expect(mine.review("second")).to_be_focused()
    expect(mine.said).to_have_text("The review is back.")
    assert kept(jun, book) == ["third", "second", "first"]


def test_deletions_are_made_in_the_end(mine: BookPage, jun: Person, book: int) -> None:
    """When it is too late to undo it, a review is deleted for everybody."""
    mine.page.clock.install()
    mine.page.reload()
    mine.is_live()
    mine.delete("second")
    expect(mine.notice).to_be_visible()
    assert kept(jun, book) == ["third", "second", "first"]
    mine.page.clock.run_for(7_000)

    until(mine.page, lambda: kept(jun, book) == ["third", "first"])
    expect(mine.notice).to_be_hidden()
    mine.shows("third", "first")
    expect(mine.page.locator("#count")).to_have_text("2 reviews")
    expect(mine.review("first")).to_be_focused()


def test_the_next_deletion_makes_the_last(mine: BookPage, jun: Person, book: int) -> None:
    """Who deletes another review means the first deletion, and can undo the second."""
    mine.delete("second")
    mine.delete("third")

    until(mine.page, lambda: kept(jun, book) == ["third", "first"])
    mine.notice.get_by_role("button", name="Undo").click()
    mine.shows("third", "first")


def test_undone_too_late(
    mine: BookPage, context: BrowserContext, shared: ServerProcess, jun: Person, book: int
) -> None:
    """Who undoes a deletion that was made in another tab meanwhile is not told that it is back."""
    review = mine.review("second").get_attribute("data-id")
    mine.delete("second")
    assert context.request.delete(f"{shared.url}/api/reviews/{review}/").ok
    jun.post(book, "after that")
    mine.shows("after that", "third", "first")
    expect(mine.said).to_have_text("1 new review")
    mine.notice.get_by_role("button", name="Undo").click()

    expect(mine.notice).to_be_hidden()
    mine.shows("after that", "third", "first")
    expect(mine.page.locator("#count")).to_have_text("3 reviews")
    expect(mine.said).to_have_text("1 new review")


def test_who_leaves_means_it(mine: BookPage, jun: Person, book: int, shared: ServerProcess) -> None:
    """Who leaves the page while a deletion can be undone has not undone it."""
    mine.delete("second")
    mine.page.goto(shared.url)

    until(mine.page, lambda: kept(jun, book) == ["third", "first"])


def test_failed_deletions_are_told(mine: BookPage, jun: Person, book: int) -> None:
    """A review that could not be deleted is back in its place, and says why."""
    mine.page.route("**/api/reviews/*/", lambda route: route.abort())
    mine.delete("second")
    mine.delete("third")

    failed = mine.review("second").get_by_role("alert")
    expect(failed).to_contain_text("The review could not be deleted.")
    expect(mine.page.locator("#count")).to_have_text("2 reviews")
    mine.notice.get_by_role("button", name="Undo").click()
    expect(mine.review("third")).to_be_visible()
    expect(mine.page.locator("#count")).to_have_text("3 reviews")
    assert kept(jun, book) == ["third", "second", "first"]
    mine.delete("second")
    mine.notice.get_by_role("button", name="Undo").click()
    expect(failed).to_have_count(0)


def test_times_go_on(mine: BookPage) -> None:
    """The age of a review is not what it was when the page came."""
    mine.page.clock.install()
    mine.page.reload()
    expect(mine.review("first").locator("time")).to_have_text("just now")
    mine.page.clock.fast_forward("05:00")

    expect(mine.review("first").locator("time")).to_have_text("5 min ago")
