"""The existing Vue front end, turned to streams, on an origin of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Page, Route, expect
from tests.browser.conftest import NewContext
from tests.browser.front_end import HERE, ORIGIN, FrontEnd
from tests.parts import PASSWORD, Person, ServerProcess, installed

#: A page without a view.
BLANK = '<script type="importmap">{"imports": {"vue": "/vue.js"}}</script>'
TITLES = {2: "Pride and Prejudice", 4: "Frankenstein", 6: "Moby-Dick"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server that lists the origin of the front end, and the front end."""
    folder = tmp_path_factory.mktemp("vue")
    server = ServerProcess(folder, allowed_origins=ORIGIN, viewers="on")
    with server, FrontEnd(folder, server.url):
        yield server


@pytest.fixture
def page(new_context: NewContext) -> Page:
    """A window."""
    return new_context().new_page()


def open_book(page: Page, book: int) -> None:
    """Opens the page of a book, and waits until it is live."""
    page.goto(f"{ORIGIN}/books/{book}")
    is_live(page)


def is_live(page: Page) -> None:
    """Waits until a page is."""
    expect(page.get_by_role("status")).to_have_text("live")


def go_to(page: Page, path: str) -> None:
    """Goes to another page of the application, without loading it anew."""
    router = "document.querySelector('#app').__vue_app__.config.globalProperties.$router"
    page.evaluate(f"path => {{ {router}.push(path) }}", path)


def sign_in(page: Page, username: str) -> None:
    """Signs in with the form of the front end, which keeps a token."""
    page.get_by_placeholder("사용자 이름").fill(username)
    page.get_by_placeholder("비밀번호").fill(PASSWORD)
    page.get_by_role("button", name="로그인").click()
    expect(page.get_by_role("button", name="로그인")).to_be_hidden()


def post(page: Page, content: str) -> None:
    """Posts a review with the form."""
    page.get_by_placeholder("댓글을 작성해주세요").fill(content)
    page.get_by_role("button", name="작성").click()


def open_blank(page: Page, server: ServerProcess) -> None:
    """Opens a page of the server's origin on which there is Vue, and nothing else."""
    vue = installed(HERE) / "vue/dist/vue.esm-browser.prod.js"
    page.route("**/vue.js", lambda route: route.fulfill(path=vue))
    page.route("**/blank", lambda route: route.fulfill(content_type="text/html", body=BLANK))
    page.goto(f"{server.url}/blank")


def shows(page: Page, *contents: str) -> None:
    """Waits until a page shows just these reviews, from the top, and their number."""
    expect(page.locator("li span")).to_have_text([*contents])
    expect(page.get_by_role("heading", level=2)).to_have_text(f"댓글 {len(contents)}")


def streams(server: ServerProcess) -> int:
    """How many streams are open."""
    numbers = httpx.get(f"{server.url}/metrics").text
    (number,) = re.findall(r"^livria_streams_open ([0-9.]+)$", numbers, re.MULTILINE)
    return int(float(number))


def wait_for_streams(server: ServerProcess, page: Page, number: int) -> None:
    """Waits until just so many are; the page is asked to wait, as it must go on meanwhile."""
    while streams(server) != number:
        page.wait_for_timeout(20)


def test_two_windows(server: ServerProcess, mina: Person, new_context: NewContext) -> None:
    """What one person posts and deletes is followed by the other at once, and is counted."""
    writer, reader = new_context().new_page(), new_context().new_page()
    open_book(writer, 2)
    open_book(reader, 2)
    sign_in(writer, mina.username)
    writer.on("dialog", lambda dialog: dialog.accept())

    post(writer, "정말 좋아요")
    shows(reader, "정말 좋아요")
    mina.edit(mina.post(2, "by another program")["id"], "edited")
    shows(reader, "edited", "정말 좋아요")
    writer.get_by_role("button", name="삭제").last.click()

    shows(reader, "edited")
    shows(writer, "edited")


def test_restart(server: ServerProcess, mina: Person, page: Page) -> None:
    """A window goes on by itself after the server was away, and has missed nothing."""
    open_book(page, 4)
    edited, deleted = mina.post(4, "to be edited"), mina.post(4, "to be deleted")
    shows(page, "to be deleted", "to be edited")

    server.stop()
    expect(page.get_by_role("status")).to_have_text("reconnecting")
    server.start()
    mina.edit(edited["id"], "edited meanwhile")
    mina.delete(deleted["id"])
    mina.post(4, "posted meanwhile")

    is_live(page)
    shows(page, "posted meanwhile", "edited meanwhile")
    mina.post(4, "after it")
    shows(page, "after it", "posted meanwhile", "edited meanwhile")


def test_navigation(server: ServerProcess, mina: Person, page: Page) -> None:
    """Going from page to page opens no second stream, and leaves none behind."""
    wait_for_streams(server, page, 0)
    page.goto(ORIGIN)
    for book in (6, 2, 6):
        page.get_by_role("link", name=TITLES[book]).click()
        expect(page.get_by_role("heading", level=1)).to_have_text(TITLES[book])
        is_live(page)
        assert streams(server) == 1
        page.get_by_role("link", name="Livria").click()
        wait_for_streams(server, page, 0)


def test_another_book_in_the_same_view(server: ServerProcess, mina: Person, page: Page) -> None:
    """A view that is given another book shows that one, with one stream, and nothing of the old."""
    open_book(page, 1)
    go_to(page, "/books/3")
    expect(page.get_by_role("heading", level=1)).to_have_text("하늘과 바람과 별과 시")
    is_live(page)
    mina.post(1, "of the old book")
    mina.post(3, "of the new book")

    shows(page, "of the new book")
    wait_for_streams(server, page, 1)


def test_leaving_before_the_book_is_here(server: ServerProcess, mina: Person, page: Page) -> None:
    """A book that comes when another is wanted by then is not shown."""
    late: list[Route] = []
    page.route("**/api/books/9/", lambda route: late.append(route))
    page.goto(f"{ORIGIN}/books/9")
    while not late:
        page.wait_for_timeout(20)
    go_to(page, "/books/10")
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_have_text("The Adventures of Sherlock Holmes")
    with page.expect_event("requestfinished"):
        late[0].continue_()
    is_live(page)
    mina.post(9, "of the book that was left")
    mina.post(10, "of the book that is here")

    shows(page, "of the book that is here")
    expect(heading).to_have_text("The Adventures of Sherlock Holmes")


def test_viewers(server: ServerProcess, new_context: NewContext) -> None:
    """A view can say how many read the book, which changes as others come and go."""
    first, second = new_context().new_page(), new_context().new_page()
    first.goto(f"{ORIGIN}/whole/12")
    expect(first.locator("main")).to_contain_text("1명이 읽는 중")
    second.goto(f"{ORIGIN}/books/12")
    expect(first.locator("main")).to_contain_text("2명이 읽는 중")
    second.close()
    expect(first.locator("main")).to_contain_text("1명이 읽는 중")


def test_own_reviews_do_not_wait(server: ServerProcess, mina: Person, page: Page) -> None:
    """Who posts while there is no stream sees their review all the same."""
    page.route(re.compile("/sse/|/books/changes/"), lambda route: route.abort())
    page.goto(f"{ORIGIN}/books/5")
    sign_in(page, mina.username)
    post(page, "without a stream")

    shows(page, "without a stream")
    page.unroute(re.compile("/sse/|/books/changes/"))
    is_live(page)
    shows(page, "without a stream")


def test_older_reviews(server: ServerProcess, mina: Person, page: Page) -> None:
    """Reviews below the newest come when they are asked for, as they read by then."""
    reviews = [mina.post(7, f"review {number}") for number in range(60)]
    page.goto(f"{ORIGIN}/whole/7")
    is_live(page)
    expect(page.locator("li span")).to_have_count(50)
    mina.edit(reviews[3]["id"], "edited before")
    mina.delete(reviews[4]["id"])
    expect(page.get_by_role("heading", level=2)).to_have_text("댓글 59")

    def answer_late(route: Route) -> None:
        answer = route.fetch()
        mina.edit(reviews[2]["id"], "edited on the way")
        mina.delete(reviews[1]["id"])
        mina.post(7, "new above")
        expect(page.get_by_role("heading", level=2)).to_have_text("댓글 59")
        expect(page.locator("li span").first).to_have_text("new above")
        route.fulfill(response=answer)

    page.route("**/api/reviews/**", answer_late)
    page.get_by_role("button", name="더 보기").click()

    newer = [f"review {number}" for number in reversed(range(5, 60))]
    shows(
        page, "new above", *newer, "edited before", "edited on the way", "review 0")  # fmt: skip
    expect(page.get_by_role("button", name="더 보기")).to_be_hidden()


def test_asking_anew_keeps_older_reviews(server: ServerProcess, mina: Person, page: Page) -> None:
    """Whoever asks anew has what is new, and none of what they had is gone, or a ghost."""
    book = server.add_book()
    reviews = [mina.post(book, f"review {number}") for number in range(60)]
    open_blank(page, server)
    page.route("**/sse/**", lambda route: route.abort())
    asked = page.evaluate(
        """async (id) => {
          const { useBookReviews } = await import("/static/use-book-reviews.js");
          const { nextTick, watch } = await import("vue");
          const { book, older, refresh } = useBookReviews(() => id);
          await new Promise((resolve) => watch(book, resolve, { once: true }));
          await older();
          window.asAnew = async () => {
            await refresh();
            return book.value.reviews.map(({ content }) => content);
          };
          return book.value.reviews.length;
        }""",
        book,
    )
    assert asked == 60
    mina.delete(reviews[3]["id"])
    mina.edit(reviews[2]["id"], "edited")
    mina.post(book, "new")

    older = [f"review {number}" for number in reversed(range(4, 60))]
    assert page.evaluate("window.asAnew()") == ["new", *older, "edited", "review 1", "review 0"]


def test_before_the_book_is_here(server: ServerProcess, page: Page) -> None:
    """Asking anew, or for older reviews, is in order before there is a book."""
    open_blank(page, server)
    asked = page.evaluate("""async () => {
      const { useBookReviews } = await import("/static/use-book-reviews.js");
      const { refresh, older } = useBookReviews(() => undefined);
      return (await Promise.allSettled([refresh(), older()])).map(({ status }) => status);
    }""")

    assert asked == ["fulfilled", "fulfilled"]


def test_views_kept_alive(server: ServerProcess, mina: Person, page: Page) -> None:
    """A view that waits behind another has no stream; when it is back, it misses nothing."""
    wait_for_streams(server, page, 0)
    page.goto(ORIGIN)
    page.get_by_role("link", name="전체 댓글").nth(7).click()
    is_live(page)
    opened = page.locator("main").get_attribute("data-opened")

    page.get_by_role("link", name="Livria").click()
    wait_for_streams(server, page, 0)
    mina.post(8, "meanwhile")
    fetched: list[str] = []
    page.on("request", lambda request: fetched.append(request.url))
    page.get_by_role("link", name="전체 댓글").nth(7).click()

    shows(page, "meanwhile")
    assert f"{server.url}/api/books/8/" not in fetched
    assert page.locator("main").get_attribute("data-opened") == opened
    wait_for_streams(server, page, 1)
