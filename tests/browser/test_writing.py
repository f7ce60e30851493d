"""Writing a review: it is there at once, once, and no word of it is ever lost."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect
from tests.browser.book_page import BookPage, sign_up_quickly
from tests.browser.conftest import NewContext
from tests.parts import Person, ServerProcess

POSTS = "**/api/reviews/"
#: Keeps how many reviews have been shown at most, and whether one was pending.
WATCH_LIST = """() => {
  window.most = 0;
  window.pended = false;
  const list = document.getElementById("list");
  new MutationObserver(() => {
    most = Math.max(most, list.children.length);
    pended ||= list.querySelector(".pending") !== null;
  }).observe(list, { childList: true });
}"""


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
    """Its page, read by somebody who may write."""
    return BookPage(context, shared, book)


class Answers:
    """Holds the answers to what a page sends, until the test lets them through."""

    def __init__(self, page: Page) -> None:
        self._held: list[Callable[[], None]] = []
        self._page = page
        page.route(POSTS, self._hold)

    def _hold(self, route: Route) -> None:
        if route.request.method == "GET":
            route.continue_()
            return
        answer = route.fetch()
        self._held.append(lambda: route.fulfill(response=answer))

    def let_through(self) -> None:
        """Lets the next one through, as soon as there is one."""
        while not self._held:
            self._page.wait_for_timeout(10)
        self._held.pop(0)()


def test_own_reviews_are_pending(mine: BookPage, jun: Person, book: int) -> None:
    """One's own review is there before the server has it, and says so; others come meanwhile."""
    held: list[Route] = []
    mine.page.route(POSTS, lambda route: held.append(route))
    expect(mine.page.locator("#empty")).to_be_visible()
    mine.write("my own")

    pending = mine.review("my own")
    expect(mine.page.locator("#empty")).to_be_hidden()
    expect(pending).to_have_attribute("aria-busy", "true")
    expect(pending.locator("time")).to_have_text("sending")
    expect(pending.locator(".actions")).to_be_hidden()
    expect(mine.field).to_have_value("")
    jun.post(book, "meanwhile")
    mine.shows("my own", "meanwhile")
    expect(mine.page.locator("#count")).to_have_text("1 review")
    held[0].continue_()
    expect(pending.locator("time")).to_have_text("just now")
    expect(pending.locator(".actions")).to_be_visible()
    assert pending.get_attribute("aria-busy") is None
    mine.shows("my own", "meanwhile")
    expect(mine.said).to_have_text("Your review is posted.")


def test_stream_and_answer_make_one(mine: BookPage) -> None:
    """The stream brings it before its answer does: there is never a second one, nor none."""
    answers = Answers(mine.page)
    mine.page.evaluate(WATCH_LIST)
    mine.write("  a cafe\u0301\nand a line ")  # the server keeps it in other bytes

    expect(mine.review("a caf\u00e9")).not_to_have_attribute("aria-busy", "true")
    expect(mine.page.locator("#count")).to_have_text("1 review")
    answers.let_through()
    expect(mine.said).to_have_text("Your review is posted.")
    assert mine.page.evaluate("[most, pended]") == [1, True]
    mine.shows("a caf\u00e9\nand a line")


def test_answer_and_stream_make_one(mine: BookPage, jun: Person, book: int) -> None:
    """The answer comes alone, and the stream brings the same later: it is still one."""
    mine.page.route("**/sse/**", lambda route: route.abort())
    mine.page.reload()
    mine.write("my own")
    expect(mine.said).to_have_text("Your review is posted.")
    mine.page.unroute("**/sse/**")
    mine.is_live()
    jun.post(book, "later")

    mine.shows("later", "my own")


def test_one_can_write_on(mine: BookPage) -> None:
    """The next review can be typed and sent before the answer to the first is here."""
    answers = Answers(mine.page)
    mine.write("the first")
    mine.write("the second")
    mine.field.fill("the third")
    answers.let_through()
    answers.let_through()

    expect(mine.page.locator("#list .pending")).to_have_count(0)
    mine.shows("the second", "the first")
    expect(mine.field).to_have_value("the third")


def test_white_space_is_not_sent(mine: BookPage) -> None:
    """Nothing but white space is no review: nothing is sent, and nobody is told off."""
    sent: list[str] = []
    mine.page.on("request", lambda request: sent.append(request.method))
    mine.write(" \n\t")
    mine.write("my own")

    mine.shows("my own")
    expect(mine.said).to_have_text("Your review is posted.")
    expect(mine.page.locator("#failed")).to_be_hidden()
    assert sent.count("POST") == 1


def test_failures_keep_the_text(mine: BookPage) -> None:
    """A review that was refused is in the form again, with the reason, and not in the list."""
    answers = Answers(mine.page)
    mine.write("x" * 5001)
    expect(mine.page.locator("#list .pending")).to_have_count(1)
    mine.field.fill("typed meanwhile")
    answers.let_through()

    failed = mine.page.locator("#failed")
    expect(failed).to_contain_text("Your review could not be posted.")
    expect(failed).to_contain_text("5,000")
    expect(mine.field).to_have_value("x" * 5001 + "\n\ntyped meanwhile")
    mine.shows()


@pytest.mark.parametrize("content", ["a bell: \a", "x" * 70_000])
def test_reasons_are_in_language(
    shared: ServerProcess, book: int, new_context: NewContext, content: str
) -> None:
    """A Korean reader is told in Korean why a review was refused."""
    context = new_context(locale="ko-KR")
    sign_up_quickly(context, shared)
    page = BookPage(context, shared, book)
    page.write(content)

    failed = page.page.locator("#failed")
    expect(failed).to_have_text(re.compile("댓글 작성에 실패했습니다. [가-힣 ]+\\."))
    expect(page.field).to_have_value(content)


def test_lost_requests_can_be_retried(mine: BookPage) -> None:
    """What the server could not be asked is kept, said so, and sent at the second try."""
    mine.page.route(POSTS, lambda route: route.abort(), times=1)
    mine.write("my own")
    expect(mine.page.locator("#failed")).to_contain_text("The server cannot be reached.")
    expect(mine.field).to_have_value("my own")
    mine.page.locator("#write button").click()

    mine.shows("my own")
    expect(mine.page.locator("#failed")).to_be_hidden()


def test_lost_answers_can_be_retried(mine: BookPage) -> None:
    """After an answer was lost, the same text is posted once, and another is another review."""
    mine.page.route("**/sse/**", lambda route: route.abort())
    mine.page.reload()

    def lose(route: Route) -> None:
        route.fetch()
        route.abort()

    for content in ("first", "second"):
        mine.page.route(POSTS, lose, times=1)
        mine.write(content)
        expect(mine.field).to_have_value(content)
        if content == "second":
            mine.field.fill("second, in other words")
        mine.page.locator("#write button").click()
        expect(mine.said).to_have_text("Your review is posted.")
        mine.page.evaluate("document.getElementById('said').textContent = ''")

    mine.page.unroute("**/sse/**")
    mine.shows("second, in other words", "second", "first")


def test_lost_answers_need_no_retry(mine: BookPage) -> None:
    """Where the stream has brought the review, nobody is bothered with an answer that was lost."""

    def lose(route: Route) -> None:
        route.fetch()
        expect(mine.page.locator("#list .actions")).to_be_visible()
        route.abort()

    mine.page.route(POSTS, lose, times=1)
    mine.write("my own")

    expect(mine.said).to_have_text("Your review is posted.")
    expect(mine.page.locator("#failed")).to_be_hidden()
    expect(mine.field).to_have_value("")


def test_late_answers_bring_nothing_back(
    mine: BookPage, jun: Person, book: int, shared: ServerProcess
) -> None:
    """A review that was deleted before its author's own answer came stays away."""
    shared.make_staff("jun")
    answers = Answers(mine.page)
    mine.write("deleted at once")
    expect(mine.page.locator("#list .actions")).to_be_visible()
    jun.delete(jun.get(f"/api/books/{book}/")["reviews"][0]["id"])
    jun.post(book, "after the deletion")
    mine.shows("after the deletion")
    answers.let_through()

    expect(mine.said).to_have_text("Your review is posted.")
    mine.shows("after the deletion")


def test_own_reviews_are_counted(mine: BookPage, jun: Person, book: int) -> None:
    """Who writes while there is no stream is not told that nobody has written."""
    mine.page.route(re.compile("/sse/|/changes/"), lambda route: route.abort())
    mine.page.reload()
    mine.write("the first")
    expect(mine.page.locator(".pending")).to_have_count(0)
    expect(mine.page.locator("#count")).to_have_text("1 review")
    expect(mine.page.locator("#empty")).to_be_hidden()

    mine.page.unroute(re.compile("/sse/|/changes/"))
    jun.post(book, "the second")
    mine.is_live()
    expect(mine.page.locator("#count")).to_have_text("2 reviews")


def test_counts_of_what_no_event_tells(mine: BookPage) -> None:
    """Reviews of one's own are counted rightly before, at and after the position of each."""
    counted = mine.page.evaluate("""async () => {
      const { Count } = await import("/static/count.js");
      const heading = document.getElementById("count");
      const count = new Count(3, "k7q2m-5");
      const steps = [
        () => count.add(9, "k7q2m-6"), // written, before the stream tells
        () => count.leave(9), // deleted, before it has told of either
        () => count.show(4, "k7q2m-6"), // it tells of the one
        () => count.settle(9, "k7q2m-7"), // the server has deleted it
        () => count.show(3, "k7q2m-7"), // it tells that, by a number alone
        () => count.leave(8),
        () => count.show(3, "zzzzz-1"), // a restored server has it, still
        () => count.settle(8, "zzzzz-2"),
        () => count.show(2, "yyyyy-1"), // one restored later has not
        () => count.add(7, "yyyyy-1"), // the stream was quicker
      ];
      return steps.map((step) => (step(), parseInt(heading.textContent)));
    }""")
    assert counted == [4, 3, 3, 3, 3, 2, 2, 2, 2, 2]


def test_drafts_survive_a_reload(
    mine: BookPage, context: BrowserContext, shared: ServerProcess
) -> None:
    """What was typed is there after a reload, on this book alone, until it is posted."""
    mine.field.press_sequentially("half a thought")
    mine.page.reload()
    expect(mine.field).to_have_value("half a thought")
    other = BookPage(context, shared, shared.add_book())
    expect(other.field).to_have_value("")
    mine.page.locator("#write button").click()
    expect(mine.said).to_have_text("Your review is posted.")
    mine.page.reload()

    mine.shows("half a thought")
    expect(mine.field).to_have_value("")


def test_drafts_survive_what_is_on_its_way(mine: BookPage, jun: Person, book: int) -> None:
    """Who leaves before the answer finds the text again, and sending it makes no second review."""

    def lose(route: Route) -> None:
        route.fetch()
        route.abort()

    mine.page.route("**/sse/**", lambda route: route.abort())
    mine.page.reload()
    mine.page.route(POSTS, lose)
    mine.write("sent")
    expect(mine.page.locator("#failed")).to_be_visible()
    mine.page.unroute(POSTS)
    mine.page.reload()
    expect(mine.field).to_have_value("sent")
    mine.page.locator("#write button").click()

    expect(mine.said).to_have_text("Your review is posted.")
    assert jun.get(f"/api/books/{book}/")["review_count"] == 1


def test_drafts_survive_other_tabs(
    mine: BookPage, context: BrowserContext, shared: ServerProcess, book: int
) -> None:
    """What was typed last is kept, though another tab of the book posts what it has."""
    mine.field.press_sequentially("from here")
    other = BookPage(context, shared, book)
    other.field.fill("half a thought")
    mine.page.locator("#write button").click()
    expect(mine.said).to_have_text("Your review is posted.")
    other.page.reload()

    other.shows("from here")
    expect(other.field).to_have_value("half a thought")


def test_posting_by_keys(mine: BookPage) -> None:
    """Control and Enter post what was typed; Enter alone begins a new line."""
    mine.field.press_sequentially("one")
    mine.field.press("Enter")
    mine.field.press_sequentially("two")
    mine.field.press("Control+Enter")

    mine.shows("one\ntwo")
    expect(mine.said).to_have_text("Your review is posted.")


def test_drafts_are_ones_own(
    mine: BookPage, context: BrowserContext, shared: ServerProcess
) -> None:
    """Who signs out leaves no draft behind for the next person, nor gets one of theirs."""
    mine.field.press_sequentially("between us")
    mine.page.get_by_role("button", name="Sign out").click()
    expect(mine.page.get_by_role("link", name="Sign in", exact=True)).to_be_visible()
    assert mine.page.evaluate("Object.keys(localStorage)") == []
    mine.page.evaluate("localStorage.setItem('livria-draft:1:1:new', '{\"content\":\"theirs\"}')")
    sign_up_quickly(context, shared)
    mine.page.reload()

    expect(mine.field).to_have_value("")


def test_sessions_that_ended_lead_on(mine: BookPage, context: BrowserContext, jun: Person) -> None:
    """Who is signed out without knowing is told how to go on, and finds the text there again."""
    mine.field.press_sequentially("my own")
    context.clear_cookies()
    mine.page.locator("#write button").click()
    mine.page.locator("#failed").get_by_role("link", name="Sign in").click()

    expect(mine.page.get_by_label("Username")).to_be_visible()
    assert "/books/" in mine.page.locator("main input[name=next]").input_value()
    assert "my own" in str(mine.page.evaluate("Object.values(localStorage)"))


def test_posting_below_leads_to_the_top(
    mine: BookPage, jun: Person, book: int, shared: ServerProcess
) -> None:
    """Who posts from a page of older reviews is led to where the new one is."""
    first = jun.post(book, "first")
    jun.post(book, "second")
    mine.page.goto(f"{shared.url}/books/{book}/?before={first['id'] + 1}")
    mine.is_live()
    mine.write("my own")

    mine.page.wait_for_url(f"**/books/{book}/#review-*")
    mine.shows("my own", "second", "first")
