"""Pages that hold still, at every width and for everybody."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect
from tests.browser.book_page import BookPage, sign_up_quickly
from tests.browser.conftest import NewContext
from tests.parts import Person, ServerProcess

#: Keeps what moved without being asked to (Layout Instability API).
KEEP_SHIFTS = """
window.shifts = [];
window.touched = 0;
for (const touch of ["pointerdown", "keydown"]) {
  addEventListener(touch, () => (touched = performance.now()), { capture: true });
}
new PerformanceObserver((list) => {
  for (const shift of list.getEntries()) {
    if (!shift.hadRecentInput) {
      shifts.push([shift.value, ...shift.sources.map(({ node }) => node?.outerHTML ?? "")]);
    }
  }
}).observe({ type: "layout-shift", buffered: true });
"""


CANCEL = {"ko-KR": "취소", "en-US": "Cancel"}


def assert_fits(page: Page) -> None:
    """Nothing on a page is wider than its window."""
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), page.url


def is_left_alone(page: Page) -> None:
    """Waits until what moves is no more taken for an answer to a press, as it is for 500 ms."""
    page.wait_for_function("() => performance.now() > touched + 600")


def has_held_still(page: Page) -> None:
    """Asserts that nothing has moved since the page was opened."""
    page.wait_for_function("() => document.getAnimations().length === 0")
    page.evaluate("new Promise((drawn) => requestAnimationFrame(() => setTimeout(drawn)))")
    assert page.evaluate("shifts") == []


@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
@pytest.mark.parametrize("width", [320, 1280])
def test_books_hold_still(
    shared: ServerProcess, jun: Person, new_context: NewContext, width: int, motion: str
) -> None:
    """Through posts, edits, deletions and what has failed, nothing jumps under a reader's eyes."""
    book = shared.add_book()
    reviews = [jun.post(book, f"review {number}") for number in range(4)]
    context = new_context(viewport={"width": width, "height": 800}, reduced_motion=motion)
    sign_up_quickly(context, shared, f"me{width}{motion[0]}")
    page = context.new_page()
    page.add_init_script(KEEP_SHIFTS)
    page.goto(f"{shared.url}/books/{book}/")
    expect(page.locator("#sign")).to_have_text("live")

    jun.post(book, "new above")
    expect(page.get_by_text("new above")).to_be_visible()
    jun.edit(reviews[3]["id"], "much longer " * 40)
    expect(page.get_by_text("much longer")).to_be_visible()
    jun.delete(reviews[2]["id"])
    expect(page.locator("#count")).to_have_text("4 reviews")
    has_held_still(page)
    page.route("**/api/reviews/", lambda route: route.abort(), times=1)
    page.locator("#write textarea").press_sequentially("my own\n" * 5)
    page.locator("#write button").click()
    expect(page.locator("#failed")).to_be_visible()
    page.locator("#write button").click()
    expect(page.locator("#list .actions")).to_be_visible()
    page.locator("[data-action=delete]").click()
    page.get_by_role("button", name="Undo").click()
    is_left_alone(page)
    mine = page.locator("#list > li").filter(has=page.locator(".actions"))
    address = f"{shared.url}/api/reviews/{mine.get_attribute('data-id')}/"
    assert context.request.patch(address, data={"content": "my own, edited elsewhere"}).ok
    expect(mine.locator(".edited")).to_be_visible()
    has_held_still(page)
    for number in range(5):
        jun.post(book, f"one of a burst {number}")
    expect(page.locator("#count")).to_have_text("10 reviews")
    has_held_still(page)


def test_home_holds_still(shared: ServerProcess, jun: Person, new_context: NewContext) -> None:
    """Counts and lines change on the shelf, and no book is moved by it."""
    page = new_context().new_page()
    page.add_init_script(KEEP_SHIFTS)
    page.goto(shared.url)
    expect(page.locator("#sign")).to_have_text("live")
    for content in ("short", "one that is much longer than the line is wide, " * 3):
        jun.post(2, content)
        expect(page.locator("[data-book='2'] .latest")).to_contain_text(content.strip())

    has_held_still(page)


def test_who_wants_no_motion_sees_none(
    shared: ServerProcess, jun: Person, new_context: NewContext
) -> None:
    """For those who ask their system for it, nothing glides or fades."""
    book = shared.add_book()
    jun.post(book, "before")
    page = BookPage(new_context(reduced_motion="reduce"), shared, book)
    page.page.evaluate(
        """() => {
          window.longest = 0;
          const note = () => {
            for (const each of document.getAnimations()) {
              longest = Math.max(longest, each.effect.getComputedTiming().duration);
            }
            requestAnimationFrame(note);
          };
          note();
        }"""
    )
    jun.post(book, "after")
    page.shows("after", "before")
    page.rests()

    assert page.page.evaluate("longest") <= 1


@pytest.mark.parametrize("locale", ["ko-KR", "en-US"])
def test_nothing_is_too_wide(
    shared: ServerProcess, jun: Person, new_context: NewContext, locale: str
) -> None:
    """In the narrowest window nothing has to be scrolled sideways, whatever is written."""
    book = shared.add_book()
    jun.post(book, "x" * 300 + "\n" + "가" * 300)
    context = new_context(locale=locale, viewport={"width": 320, "height": 600})
    sign_up_quickly(context, shared, f"wwwwwwwwwwwwwwwwwwwwwwwww-{locale[:2]}")
    page = BookPage(context, shared, book)
    page.write("y" * 300)
    expect(page.page.locator("#list .actions")).to_be_visible()
    page.edit("y" * 300)
    assert_fits(page.page)
    page.page.get_by_role("button", name=CANCEL[locale]).click()
    page.delete("y" * 300)
    assert_fits(page.page)
    for address in (page.page.url, shared.url, f"{shared.url}/sign-up/"):
        page.page.goto(address)
        assert_fits(page.page)


@pytest.mark.parametrize("path", ["/", "/books/1/"])
def test_scripts_are_named(shared: ServerProcess, new_context: NewContext, path: str) -> None:
    """A page names all modules that its script needs, and no other: none has to be discovered."""
    page = new_context().new_page()
    loaded: list[str] = []
    page.on("request", lambda request: loaded.append(request.url))
    page.goto(f"{shared.url}{path}")
    expect(page.locator("#sign")).to_have_text("live")

    links = page.locator("link[rel=modulepreload]").all()
    named = {f"{shared.url}{link.get_attribute('href')}" for link in links}
    script = page.locator("script[type=module]").get_attribute("src")
    scripts = [url for url in loaded if url.endswith(".js")]
    assert sorted(scripts) == sorted({*named, f"{shared.url}{script}"})
