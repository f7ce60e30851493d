"""The page of a book, live, in two windows of a real browser."""

from __future__ import annotations

import re

from playwright.sync_api import BrowserContext, Page, Route, expect
from tests.browser.conftest import NewContext, sign_up, texts
from tests.parts import Person, ServerProcess

#: "At once" for a person.
SECOND = 1_000


def open_book(server: ServerProcess, context: BrowserContext, book: int) -> Page:
    """A page of the book that is live."""
    page = context.new_page()
    page.goto(f"{server.url}/books/{book}/")
    expect(page.locator("#sign")).to_have_text("live")
    return page


def shows(page: Page, *expected: str) -> None:
    """Waits until a page shows just these reviews, from the top."""
    expect(page.locator("#list .content")).to_have_text([*expected])


def test_two_windows(server: ServerProcess, new_context: NewContext, book: int) -> None:
    """What one person posts, edits and deletes is followed by the other, without a reload."""
    writer = open_book(server, new_context(), book)
    reader = open_book(server, new_context(), book)
    reader.evaluate("window.neverReloaded = true")
    sign_up(writer, "hana")
    expect(writer.locator("#sign")).to_have_text("live")

    writer.get_by_placeholder("Write a review").fill("A fine book")
    writer.get_by_role("button", name="Post").click()
    expect(reader.locator("#list .content")).to_have_text(["A fine book"])
    expect(reader.locator("#count")).to_have_text("1 review")
    expect(reader.locator(".username")).to_have_text("hana")
    expect(reader.locator(".edited")).to_be_hidden()
    expect(reader.locator(".actions")).to_have_count(0)

    writer.get_by_role("link", name="Edit").click()
    writer.get_by_label("Edit").fill("A very fine book")
    writer.get_by_role("button", name="Save").click()
    expect(reader.locator("#list .content")).to_have_text(["A very fine book"])
    expect(reader.locator(".edited")).to_be_visible()

    writer.get_by_role("link", name="Delete").click()
    writer.goto(server.url)
    expect(reader.locator("#list .content")).to_have_count(0)
    expect(reader.locator("#count")).to_have_text("0 reviews")
    assert reader.evaluate("window.neverReloaded")


def test_own_reviews_appear_once(
    server: ServerProcess, mina: Person, new_context: NewContext, book: int
) -> None:
    """The author's own page shows a review once, whichever of answer and event comes first."""
    page = open_book(server, new_context(), book)
    sign_up(page, "jun")
    for number in range(5):
        page.get_by_placeholder("Write a review").fill(f"own {number}")
        page.get_by_role("button", name="Post").click()
        expect(page.locator("#list .content").first).to_have_text(f"own {number}")
    expect(page.locator(".pending")).to_have_count(0)
    mina.post(book, "somebody else's")

    shows(page, "somebody else's", *(f"own {number}" for number in reversed(range(5))))
    expect(page.locator("#count")).to_have_text("6 reviews")


def test_away_and_back(
    server: ServerProcess, mina: Person, new_context: NewContext, book: int
) -> None:
    """A window that was offline for three changes shows exactly the present when it is back."""
    edited = mina.post(book, "to be edited")
    deleted = mina.post(book, "to be deleted")
    context = new_context()
    page = open_book(server, context, book)
    shows(page, "to be deleted", "to be edited")

    context.set_offline(True)
    expect(page.locator("#sign")).to_have_text("offline")
    mina.edit(edited["id"], "edited meanwhile")
    mina.delete(deleted["id"])
    mina.post(book, "posted meanwhile")
    context.set_offline(False)

    expect(page.locator("#sign")).to_have_text("live")
    shows(page, "posted meanwhile", "edited meanwhile")
    expect(page.locator("#count")).to_have_text("2 reviews")


def test_crash_while_away(
    server: ServerProcess, mina: Person, new_context: NewContext, book: int
) -> None:
    """That the server was killed and started meanwhile changes nothing of it."""
    edited = mina.post(book, "to be edited")
    deleted = mina.post(book, "to be deleted")
    page = open_book(server, new_context(), book)

    server.kill()
    expect(page.locator("#sign")).to_have_text("reconnecting")
    server.start()
    mina.edit(edited["id"], "edited meanwhile")
    mina.delete(deleted["id"])
    mina.post(book, "posted meanwhile")

    expect(page.locator("#sign")).to_have_text("live")
    shows(page, "posted meanwhile", "edited meanwhile")


def test_eventsource_that_gave_up(
    server: ServerProcess, mina: Person, new_context: NewContext, book: int
) -> None:
    """After an error answer, at which EventSource gives up for good, the page reopens by itself."""
    page = open_book(server, new_context(), book)
    refused: list[Route] = []

    def refuse(route: Route) -> None:
        refused.append(route)
        route.fulfill(status=502, body="Bad Gateway")

    page.route("**/sse/**", refuse)
    server.stop()
    expect(page.locator("#sign")).to_have_text("reconnecting")
    server.start()
    while not refused:
        page.wait_for_timeout(50)
    mina.post(book, "posted meanwhile")
    page.unroute("**/sse/**")

    expect(page.locator("#sign")).to_have_text("live")
    shows(page, "posted meanwhile")


def test_reset_fetches_again(
    server: ServerProcess, mina: Person, new_context: NewContext, book: int
) -> None:
    """When its position means nothing any more, the page fetches the book and stays live."""
    mina.post(book, "first")
    context = new_context()
    page = context.new_page()
    address = f"{server.url}/books/{book}/"
    page.route(
        address,
        lambda route: route.fulfill(
            response=(answer := route.fetch()),
            body=re.sub(r'data-position="[^"]*"', 'data-position="zzzzz-7"', answer.text()),
        ),
    )
    page.goto(address)

    expect(page.locator("#sign")).to_have_text("live")
    shows(page, "first")
    mina.post(book, "second")
    shows(page, "second", "first")


def test_text_stays_text(
    server: ServerProcess, mina: Person, new_context: NewContext, book: int
) -> None:
    """Markup in a review is shown as it was typed, by the server and by the script."""
    hostile = '<script>window.hacked = 1</script><img src=x onerror="window.hacked = 1">'
    mina.post(book, hostile)
    page = open_book(server, new_context(), book)
    mina.post(book, hostile)

    shows(page, hostile, hostile)
    assert page.evaluate("window.hacked") is None


def test_older_reviews(
    server: ServerProcess, mina: Person, new_context: NewContext, book: int
) -> None:
    """Older reviews are added below, each once, until there are no more."""
    for number in range(45):
        mina.post(book, f"review {number}")
    page = open_book(server, new_context(), book)
    page.get_by_role("link", name="Older reviews").click()
    expect(page.locator("#list .content")).to_have_count(40)
    mina.post(book, "new above")
    page.get_by_role("link", name="Older reviews").click()

    page.get_by_role("button", name="1 new review").click()
    shows(page, "new above", *(f"review {number}" for number in reversed(range(45))))
    expect(page.get_by_role("link", name="Older reviews")).to_be_hidden()


def test_older_reviews_are_current(
    server: ServerProcess, mina: Person, new_context: NewContext, book: int
) -> None:
    """A review that was edited while it was not shown comes as it reads now."""
    reviews = [mina.post(book, f"review {number}") for number in range(25)]
    page = open_book(server, new_context(), book)
    mina.edit(reviews[2]["id"], "edited meanwhile")
    mina.delete(reviews[1]["id"])
    expect(page.locator("#count")).to_have_text("24 reviews")
    page.get_by_role("link", name="Older reviews").click()

    expect(page.locator("#list .content")).to_have_count(24)
    assert texts(page)[-3:] == ["review 3", "edited meanwhile", "review 0"]


def test_emptied_pages_offer_older(
    server: ServerProcess, mina: Person, new_context: NewContext, book: int
) -> None:
    """When all that was shown is deleted, the page does not call the book empty."""
    reviews = [mina.post(book, f"review {number}") for number in range(22)]
    page = open_book(server, new_context(), book)
    for review in reviews[2:]:
        mina.delete(review["id"])
    shows(page)
    expect(page.locator("#empty")).to_be_hidden()
    page.get_by_role("link", name="Older reviews").click()

    shows(page, "review 1", "review 0")


def test_edit_links_in_new_windows(
    server: ServerProcess, new_context: NewContext, book: int
) -> None:
    """The page of an edit link works with scripts too, and follows the review meanwhile."""
    context = new_context()
    page = open_book(server, context, book)
    sign_up(page, "sora")
    page.get_by_placeholder("Write a review").fill("draft")
    page.get_by_role("button", name="Post").click()
    address = page.get_by_role("link", name="Edit").get_attribute("href")
    other = context.new_page()
    other.goto(f"{server.url}{address}")
    expect(other.locator("#sign")).to_have_text("live")
    page.get_by_role("link", name="Edit").click()
    page.get_by_label("Edit").fill("from the first window")
    page.get_by_role("button", name="Save").click()
    expect(other.locator(".edited")).to_be_visible()
    other.get_by_role("textbox", name="Edit").fill("from the second window")
    other.get_by_role("button", name="Save").click()

    shows(page, "from the second window")
    shows(other, "from the second window")


def test_silent_streams_are_reopened(
    server: ServerProcess, mina: Person, new_context: NewContext, book: int
) -> None:
    """A stream in which nothing comes any more, not even a heartbeat, is opened anew."""
    page = new_context().new_page()
    page.clock.install()
    page.goto(f"{server.url}/books/{book}/")
    expect(page.locator("#sign")).to_have_text("live")
    with page.expect_request("**/sse/**"):
        page.clock.fast_forward("01:30")

    mina.post(book, "still live")
    shows(page, "still live")


def test_the_sign_is_heard(server: ServerProcess, new_context: NewContext, book: int) -> None:
    """Who hears the page is told when it has not been live for a while, and when it is again."""
    page = new_context().new_page()
    page.clock.install()
    page.goto(f"{server.url}/books/{book}/")
    expect(page.locator("#sign")).to_have_text("live")
    server.stop()
    expect(page.locator("#sign")).to_have_text("reconnecting")
    expect(page.locator("#heard")).to_have_text("")
    page.clock.run_for(5 * SECOND)
    expect(page.locator("#heard")).to_have_text("reconnecting")
    server.start()

    expect(page.locator("#sign")).to_have_text("live")
    page.clock.run_for(5 * SECOND)
    expect(page.locator("#heard")).to_have_text("live")


def test_korean(server: ServerProcess, new_context: NewContext, book: int) -> None:
    """A Korean browser gets the words of the old page; the switch leads to English and back."""
    page = new_context(locale="ko-KR").new_page()
    page.goto(f"{server.url}/books/{book}/")
    expect(page.locator("#sign")).to_have_text("실시간")
    page.get_by_role("link", name="회원가입").click()
    page.get_by_label("사용자 이름").fill("지민")
    page.get_by_label("비밀번호").fill("correct horse battery")
    page.get_by_role("button", name="회원가입").click()
    expect(page.locator("#sign")).to_have_text("실시간")
    page.get_by_placeholder("댓글을 작성해주세요").fill("정말 좋아요")
    page.get_by_role("button", name="작성").click()
    shows(page, "정말 좋아요")
    page.get_by_role("link", name="삭제").click()
    expect(page.locator("#list .content")).to_have_count(0)
    page.get_by_role("button", name="되돌리기").click()

    shows(page, "정말 좋아요")
    page.get_by_role("button", name="English").click()
    expect(page.get_by_placeholder("Write a review")).to_be_visible()


def test_without_javascript(server: ServerProcess, new_context: NewContext) -> None:
    """Without scripts one can read, sign up, post, edit and delete; no sign pretends to live."""
    page = new_context(java_script_enabled=False).new_page()
    page.goto(f"{server.url}/")
    page.get_by_role("link", name="Pride and Prejudice").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Pride and Prejudice")
    expect(page.locator("#sign")).to_be_hidden()
    sign_up(page, "yuna", scripts=False)

    page.get_by_placeholder("Write a review").fill("Plain HTML")
    page.get_by_role("button", name="Post").click()
    shows(page, "Plain HTML")
    page.get_by_role("link", name="Edit").click()
    page.get_by_role("textbox", name="Edit").fill("Plain HTML, edited")
    page.get_by_role("button", name="Save").click()
    shows(page, "Plain HTML, edited")
    page.get_by_role("link", name="Delete").click()
    expect(page.get_by_text("Do you really want to delete this?")).to_be_visible()
    page.get_by_role("button", name="Delete").click()

    expect(page.locator("#list .content")).to_have_count(0)
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("link", name="Sign in", exact=True)).to_be_visible()
