"""The home page, live: how many reviews each book has, and the newest of them in a line."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, expect
from tests.browser.conftest import NewContext
from tests.parts import Person, ServerProcess


@pytest.fixture
def home(shared: ServerProcess, new_context: NewContext) -> Page:
    """The home page, live."""
    page = new_context().new_page()
    page.goto(shared.url)
    expect(page.locator("#sign")).to_have_text("live")
    return page


def listed(home: Page, book: int) -> Locator:
    """A book on the shelf."""
    return home.locator(f"#shelf > li[data-book='{book}']")


def shows(home: Page, book: int, count: str, latest: str) -> None:
    """Waits until a book on the shelf says just this."""
    expect(listed(home, book).locator(".count")).to_have_text(count)
    expect(listed(home, book).locator(".latest")).to_have_text(latest)


def test_home_is_live(home: Page, jun: Person) -> None:
    """What is posted, edited and deleted is followed in place, back to the review before."""
    order = home.locator("#shelf strong").all_inner_texts()
    shows(home, 7, "0 reviews", "")
    jun.post(7, "the first")
    shows(home, 7, "1 review", "jun the first")
    second = jun.post(7, "the second")
    shows(home, 7, "2 reviews", "jun the second")
    jun.edit(second["id"], "the second, edited")
    shows(home, 7, "2 reviews", "jun the second, edited")
    jun.delete(second["id"])
    shows(home, 7, "1 review", "jun the first")

    assert home.locator("#shelf strong").all_inner_texts() == order
    home.reload()
    shows(home, 7, "1 review", "jun the first")
    assert home.locator("#shelf > li").first.get_attribute("data-book") == "7"


def test_changes_of_what_is_not_the_latest(home: Page, jun: Person) -> None:
    """Editing or deleting an earlier review leaves the line as it is."""
    edited, deleted = jun.post(3, "edited later"), jun.post(3, "deleted later")
    jun.post(3, "the latest")
    jun.edit(edited["id"], "edited")
    jun.delete(deleted["id"])

    shows(home, 3, "2 reviews", "jun the latest")


def test_home_takes_text_for_text(home: Page, jun: Person) -> None:
    """Markup in the newest review is shown as it was typed, on one line."""
    hostile = '<img src=x onerror="window.hacked = 1">\n' * 5
    empty = listed(home, 5).bounding_box()
    jun.post(5, hostile)

    shows(home, 5, "1 review", f"jun {hostile.strip()}")
    assert home.evaluate("window.hacked") is None
    assert listed(home, 5).bounding_box() == empty
    home.reload()
    shows(home, 5, "1 review", f"jun {hostile.strip()}")
    assert home.evaluate("window.hacked") is None


def test_readers_are_counted(shared: ServerProcess, new_context: NewContext) -> None:
    """Two who read a book see that they are two; one alone, and who looks at the shelf, is none."""
    book = shared.add_book()
    first, second, home = (new_context().new_page() for _ in range(3))
    home.goto(shared.url)
    first.goto(f"{shared.url}/books/{book}/")
    expect(first.locator("#sign")).to_have_text("live")
    expect(first.locator("#viewers")).to_be_hidden()
    second.goto(f"{shared.url}/books/{book}/")

    for page in (first, second):
        expect(page.locator("#viewers")).to_have_text("2 reading now")
    second.close()
    expect(first.locator("#viewers")).to_be_hidden()


def test_more_books_than_a_stream_has(
    shared: ServerProcess, jun: Person, new_context: NewContext
) -> None:
    """A shelf of which some books have no place on the stream says so, and asks for these."""
    for _ in range(50):
        shared.add_book()
    context = new_context()
    pages = {number: context.new_page() for number in (1, 2)}
    for number, page in pages.items():
        page.goto(f"{shared.url}/?page={number}")
    last = max(book for page in pages.values() for book in books_of(page))
    page = next(page for page in pages.values() if last in books_of(page))

    expect(page.locator("#sign")).to_have_text("updated every few seconds")
    jun.post(last, "asked for")
    expect(listed(page, last).locator(".latest")).to_have_text("jun asked for")


def books_of(home: Page) -> list[int]:
    """Those on a shelf."""
    items = home.locator("#shelf > li").all()
    return [int(item.get_attribute("data-book") or "") for item in items]
