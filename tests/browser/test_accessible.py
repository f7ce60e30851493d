"""Pages for everybody: axe-core finds nothing, in either language, by day and by night."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page, expect
from tests.browser.book_page import BookPage, sign_up_quickly
from tests.browser.conftest import NewContext
from tests.parts import Person, ServerProcess

OPTIONS = {"resultTypes": ["violations"], "rules": {"target-size": {"enabled": True}}}
LOCALES = ["ko-KR", "en-US"]
SCHEMES = ["light", "dark"]


def assert_accessible(page: Page) -> None:
    """Nothing on a page keeps anybody out, as far as a program can tell."""
    page.wait_for_function("() => document.getAnimations().length === 0")
    found = Axe().run(page, options=OPTIONS)
    assert found.violations_count == 0, found.generate_report()


def reader(
    new_context: NewContext, server: ServerProcess, *, locale: str, scheme: str, **options: Any
) -> BrowserContext:
    """The browser of somebody who is signed in."""
    context = new_context(locale=locale, color_scheme=scheme, **options)
    sign_up_quickly(context, server)
    return context


@pytest.mark.parametrize(
    ("locale", "scheme"),
    [
        ("ko-KR", "dark"),
        *(
            pytest.param(locale, scheme, marks=pytest.mark.long)
            for locale in LOCALES
            for scheme in SCHEMES
            if (locale, scheme) != ("ko-KR", "dark")
        ),
    ],
)
def test_book_in_use(
    shared: ServerProcess, jun: Person, new_context: NewContext, locale: str, scheme: str
) -> None:
    """The page of a book with all that can be on it: forms, what is pending, failed, to undo."""
    book = shared.add_book()
    for number in range(22):
        jun.post(book, f"review {number}")
    page = BookPage(reader(new_context, shared, locale=locale, scheme=scheme), shared, book)
    page.write("to be deleted")
    page.write("to be edited")
    expect(page.page.locator(".pending")).to_have_count(0)
    assert_accessible(page.page)

    page.delete("to be deleted")
    page.edit("to be edited").fill("x" * 5_001)
    page.page.locator("#list form button").first.click()
    expect(page.page.locator("#list .failed")).to_be_visible()
    jun.post(book, "waits")
    expect(page.pill).to_be_visible()
    page.page.route("**/api/reviews/", lambda route: None)
    page.write("pending")
    expect(page.notice).to_be_visible()
    assert_accessible(page.page)


@pytest.mark.parametrize(
    ("locale", "scheme"),
    [
        ("en-US", "light"),
        *(
            pytest.param(locale, scheme, marks=pytest.mark.long)
            for locale in LOCALES
            for scheme in SCHEMES
            if (locale, scheme) != ("en-US", "light")
        ),
    ],
)
def test_home(
    shared: ServerProcess, jun: Person, new_context: NewContext, locale: str, scheme: str
) -> None:
    """The home page with books of every kind."""
    jun.post(shared.add_book(), "a line")
    page = new_context(locale=locale, color_scheme=scheme).new_page()
    page.goto(shared.url)
    expect(page.locator("#sign")).to_have_attribute("data-state", "live")

    assert_accessible(page)


@pytest.mark.long
@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("locale", LOCALES)
def test_other_pages(
    shared: ServerProcess, new_context: NewContext, locale: str, scheme: str
) -> None:
    """Signing up and in, what fails there, and what there is not, in a phone's narrow window."""
    context = new_context(
        locale=locale, color_scheme=scheme, viewport={"width": 320, "height": 600}
    )
    page = context.new_page()
    for address in ("/sign-in/", "/sign-up/", "/books/999999/", "/", "/books/1/"):
        page.goto(shared.url + address)
        assert_accessible(page)
    page.goto(f"{shared.url}/sign-in/")
    page.locator("[name=username]").fill("jun")
    page.locator("[name=password]").fill("wrong password")
    page.locator("main button").click()
    expect(page.get_by_role("alert")).to_be_visible()
    assert_accessible(page)


@pytest.mark.long
@pytest.mark.parametrize("query", ["edit", "delete"])
def test_forms_without_scripts(
    shared: ServerProcess, jun: Person, new_context: NewContext, query: str
) -> None:
    """The forms that scripts do without are as accessible."""
    book = shared.add_book()
    context = reader(new_context, shared, locale="en-US", scheme="light")
    page = BookPage(context, shared, book)
    page.write("mine")
    expect(page.page.locator(".pending")).to_have_count(0)
    review = jun.get(f"/api/books/{book}/")["reviews"][0]["id"]
    page.page.goto(f"{shared.url}/books/{book}/?{query}={review}")

    expect(page.page.locator("#list form")).to_be_visible()
    assert_accessible(page.page)
