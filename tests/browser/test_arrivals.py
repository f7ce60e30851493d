"""What others write while one reads: it comes at once, and disturbs nobody."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from tests.browser.book_page import BookPage, sign_up_quickly
from tests.browser.conftest import NewContext
from tests.parts import Person, ServerProcess

#: More than fit into a window.
MANY = 18

#: From now on frames are drawn when the test says so.
HOLD_FRAMES = """() => {
  window.frames_asked = [];
  window.requestAnimationFrame = (draw) => window.frames_asked.push(draw);
}"""
#: What a tab that nobody looks at tells its page.
HIDE = """() => {
  Object.defineProperty(document, "hidden", { get: () => true });
  document.dispatchEvent(new Event("visibilitychange", { bubbles: true }));
}"""


@pytest.fixture
def book(shared: ServerProcess) -> int:
    """A book of the test's own."""
    return shared.add_book()


@pytest.fixture
def page(shared: ServerProcess, book: int, new_context: NewContext) -> BookPage:
    """Its page, read by somebody without an account."""
    return BookPage(new_context(), shared, book)


@pytest.fixture
def mine(shared: ServerProcess, book: int, new_context: NewContext) -> BookPage:
    """Its page, read by somebody who has written a review."""
    context = new_context()
    sign_up_quickly(context, shared)
    page = BookPage(context, shared, book)
    page.write("my own")
    page.shows("my own")
    return page


#: Scrolls a few pixels in each of some frames, and counts what is measured meanwhile.
MEASURED_WHILE_SCROLLING = """
async () => {
  const counted = { scrolls: 0, measurements: 0 };
  const { getBoundingClientRect } = Element.prototype;
  Element.prototype.getBoundingClientRect = function () {
    counted.measurements += 1;
    return getBoundingClientRect.call(this);
  };
  addEventListener("scroll", () => (counted.scrolls += 1));
  for (let step = 0; step < 10; step++) {
    scrollBy({ top: step % 2 ? 5 : -5, behavior: "instant" });
    await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)));
  }
  return counted;
}
"""


def fill(jun: Person, book: int, number: int = MANY) -> list[str]:
    """Reviews that are there already, newest first."""
    contents = [f"review {each}, of which there is much to say" for each in range(number)]
    for content in contents:
        jun.post(book, content)
    return contents[::-1]


def test_reviews_wait_for_who_is_further_down(page: BookPage, jun: Person, book: int) -> None:
    """Who has scrolled down is told how many are new, is not moved, and can go and see them."""
    before = fill(jun, book)
    page.shows(*before)
    page.scroll_down()
    place = page.top_of(before[-1])
    for content in ("one", "two", "three"):
        jun.post(book, content)

    expect(page.pill).to_have_text("3 new reviews")
    page.shows(*before)
    assert page.top_of(before[-1]) == place
    page.pill.click()
    page.shows("three", "two", "one", *before)
    expect(page.pill).to_be_hidden()
    expect(page.review("three")).to_be_in_viewport()
    expect(page.review("three")).to_be_focused()


def test_waiting_reviews_are_kept_up(page: BookPage, jun: Person, book: int) -> None:
    """What is edited or deleted while it waits is shown as it is then."""
    before = fill(jun, book)
    page.shows(*before)
    page.scroll_down()
    edited, deleted = jun.post(book, "to be edited"), jun.post(book, "to be deleted")
    expect(page.pill).to_have_text("2 new reviews")
    jun.edit(edited["id"], "edited")
    jun.delete(deleted["id"])

    expect(page.pill).to_have_text("1 new review")
    page.pill.click()
    page.shows("edited", *before)


def test_waiting_reviews_come_to_who_comes_back(page: BookPage, jun: Person, book: int) -> None:
    """Who scrolls back to the top of the list sees them without a press."""
    before = fill(jun, book)
    page.shows(*before)
    page.scroll_down()
    jun.post(book, "new")
    expect(page.pill).to_be_visible()
    page.page.evaluate("scrollTo(0, 0)")

    page.shows("new", *before)
    expect(page.pill).to_be_hidden()


def test_scrolling_is_cheap(page: BookPage, jun: Person, book: int) -> None:
    """Whoever scrolls while reviews wait does not have the whole list measured at each step."""
    page.shows(*fill(jun, book))
    page.scroll_down()
    jun.post(book, "new")
    expect(page.pill).to_be_visible()
    page.rests()
    measured = page.page.evaluate(MEASURED_WHILE_SCROLLING)

    assert measured["scrolls"] > 3
    assert measured["measurements"] <= measured["scrolls"]


def test_what_is_above_moves_nothing(page: BookPage, jun: Person, book: int) -> None:
    """That a review further up grows or goes does not move what somebody reads below."""
    reviews = [jun.post(book, f"review {number}") for number in range(MANY)]
    page.shows(*(review["content"] for review in reversed(reviews)))
    page.scroll_down()
    place = page.top_of("review 0")
    jun.edit(reviews[-1]["id"], "much longer\n" * 12)
    jun.delete(reviews[-2]["id"])

    expect(page.page.locator("#list > li")).to_have_count(MANY - 1)
    expect(page.review("much longer")).to_be_visible()
    assert page.top_of("review 0") == pytest.approx(place, abs=1)


def test_typing_is_not_disturbed(mine: BookPage, jun: Person, book: int) -> None:
    """A review that comes while somebody writes another takes neither caret nor place from them."""
    mine.field.fill("half a thought")
    mine.field.press("Home")
    mine.field.press("ArrowRight")
    scrolled = mine.page.evaluate("scrollY")
    jun.post(book, "meanwhile")

    mine.shows("meanwhile", "my own")
    mine.page.keyboard.type("!")
    expect(mine.field).to_have_value("h!alf a thought")
    assert mine.page.evaluate("scrollY") == scrolled


def test_editing_is_not_disturbed(mine: BookPage, jun: Person, book: int) -> None:
    """While somebody edits in the list nothing moves it; what has come meanwhile comes then."""
    field = mine.edit("my own")
    field.press("Home")
    place = mine.top_of("my own")
    jun.post(book, "meanwhile")

    expect(mine.pill).to_have_text("1 new review")
    mine.page.keyboard.type("all ")
    expect(field).to_have_value("all my own")
    assert mine.top_of("my own") == place
    mine.page.get_by_role("button", name="Save").click()
    mine.shows("meanwhile", "all my own")


def test_deleted_while_it_is_edited(
    mine: BookPage, jun: Person, book: int, shared: ServerProcess
) -> None:
    """Who edits a review that others delete loses no word, and is told when they save."""
    field = mine.edit("my own")
    field.fill("my own, and more")
    shared.make_staff("jun")
    jun.delete(jun.get(f"/api/books/{book}/")["reviews"][0]["id"])
    expect(mine.page.locator("#count")).to_have_text("0 reviews")
    mine.page.get_by_role("button", name="Save").click()

    expect(mine.page.locator("#list .failed")).to_contain_text("There is no such review.")
    expect(field).to_have_value("my own, and more")
    mine.page.get_by_role("button", name="Cancel").click()
    mine.shows()


def test_bursts_are_drawn_once(page: BookPage, jun: Person, book: int) -> None:
    """All that comes before the next frame is drawn in that one, together."""
    page.page.evaluate(HOLD_FRAMES)
    contents = fill(jun, book, 5)
    with page.page.expect_response("**/api/books/**"):  # what was sent before it has come
        page.page.evaluate(f"fetch('/api/books/{book}/')")
    page.page.wait_for_function("() => frames_asked.length > 0")
    page.shows()

    page.page.evaluate("frames_asked.splice(0).forEach((draw) => draw())")
    page.shows(*contents)
    assert page.page.evaluate("frames_asked.length") == 0


def test_hidden_pages_pile_nothing_up(page: BookPage, jun: Person, book: int) -> None:
    """A tab that is not looked at gets no frames, and shows what comes all the same."""
    page.page.evaluate(HOLD_FRAMES)
    jun.post(book, "seen")
    page.page.wait_for_function("() => frames_asked.length > 0")
    page.page.evaluate(HIDE)
    jun.post(book, "unseen")

    page.shows("unseen", "seen")


def test_what_comes_is_summarised(page: BookPage, jun: Person, book: int) -> None:
    """A screen reader says how many have come, in one sentence and none of their words."""
    page.page.evaluate(
        """() => {
          window.said = [];
          const region = document.getElementById("said");
          new MutationObserver(() => said.push(region.textContent)).observe(
            region, { childList: true });
        }"""
    )
    jun.post(book, "secret one")
    jun.post(book, "secret two")

    expect(page.said).to_have_text("2 new reviews")
    assert page.page.evaluate("said") == ["2 new reviews"]


def test_older_pages_lead_to_the_newest(
    shared: ServerProcess, jun: Person, book: int, new_context: NewContext
) -> None:
    """Who reads older reviews is told of new ones, and gets to them."""
    before = fill(jun, book, 25)
    page = new_context().new_page()
    oldest = jun.get(f"/api/reviews/?book={book}&limit=20")["reviews"][-1]["id"]
    page.goto(f"{shared.url}/books/{book}/?before={oldest}")
    expect(page.locator("#sign")).to_have_text("live")
    jun.post(book, "new")
    page.get_by_role("button", name="1 new review").click()

    expect(page.locator("#list .content").first).to_have_text("new")
    expect(page.locator("#list .content").nth(1)).to_have_text(before[0])


@pytest.mark.long
def test_long_days_collect_no_end(page: BookPage, jun: Person, book: int) -> None:
    """A page that was open for 450 reviews shows 400 of them, and a link to those before."""
    for number in range(450):
        jun.post(book, f"review {number}")

    expect(page.review("review 449")).to_be_visible()
    expect(page.page.locator("#list > li")).to_have_count(400)
    page.page.get_by_role("link", name="Older reviews").click()
    expect(page.page.locator("#list > li")).to_have_count(420)

    page.scroll_down()
    page.rests()
    read = page.page.locator("#list > li").last.bounding_box()
    newest = jun.get(f"/api/books/{book}/")["reviews"][0]["id"]
    jun.edit(newest, "edited above")
    expect(page.review("edited above")).to_have_count(1)
    page.rests()
    assert page.page.locator("#list > li").last.bounding_box() == read
