"""The pages without scripts: links, forms and redirects, in two languages."""

from __future__ import annotations

import asyncio
import json
import re
import string
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from importlib import resources
from itertools import chain
from urllib.parse import quote, urljoin, urlsplit

import httpx
import pytest
from hypothesis import given, strategies as st

from livria_sse.models import Account
from livria_sse.store.times import now
from livria_sse.web.credentials import COOKIE
from livria_sse.web.words import ENGLISH, KOREAN, WORDS, preferred_language
from tests.factories import make_entry
from tests.waiting import until
from tests.web.browser import Browser, Element, Page
from tests.web.service import HOST, Service

BOOK = 10
PASSWORD = "correct horse battery"
#: In which words come that count.
FORMS = ("one", "other")
#: More than fit on one page.
MANY = 45

Visit = Callable[..., Awaitable[Browser]]


@pytest.fixture
async def visit(service: Service) -> AsyncIterator[Visit]:
    """Opens browsers: of a visitor, or of somebody with an account who is signed in."""
    async with AsyncExitStack() as opened:

        async def visit(
            username: str | None = None, *, staff: bool = False, language: str = "en"
        ) -> Browser:
            client = await opened.enter_async_context(service.client())
            client.headers["Accept-Language"] = language
            if username:
                client.cookies.set(COOKIE, await service.session(username, staff=staff), HOST)
            return Browser(client)

        yield visit


async def author(service: Service, username: str = "jun") -> Account:
    """Somebody who has written before."""
    return await service.account(username)


async def write(service: Service, by: Account, *contents: str, book: int = BOOK) -> list[int]:
    """Reviews that are there already; their ids."""
    reviews = [
        (await service.store.reviews.create(book, content, author=by)).review
        for content in contents
    ]
    await until(lambda: now() > reviews[-1].created_at)  # what comes next is later
    return [review.id for review in reviews]


# The books.


async def test_home_lists_active_books_first(visit: Visit, service: Service) -> None:
    """The books with the newest activity come first, whatever it was, then the others by id."""
    jun = await author(service)
    (first,) = await write(service, jun, "하나", book=7)
    await write(service, jun, "둘", book=3)
    await write(service, jun, "셋", book=9)
    await service.store.reviews.update(first, "고침", by=jun)
    page = await (await visit()).open("/")
    books = [link["href"] for link in page.one("ul").all("a")]
    assert page.status == 200
    assert books[:5] == ["/books/7/", "/books/9/", "/books/3/", "/books/1/", "/books/2/"]
    assert len(books) == 12
    assert "진달래꽃" in page.text
    assert page.one("a", href="/books/3/").one("small").text == "1 review"
    assert page.one("a", href="/books/1/").one("small").text == "0 reviews"


async def test_home_leads_to_book(visit: Visit) -> None:
    """A book on the list leads to its page, which tells all of it."""
    browser = await visit()
    page = await browser.open("/")
    page = await browser.open(page.one("ul").all("a", href="/books/1/")[0]["href"])
    assert page.status == 200
    assert page.one("h1").text == "진달래꽃"
    assert page.one("p", class_="author").text == "김소월"
    assert "산유화" in page.one("p", class_="description").text
    assert page.one("main").all("img")[0]["src"].startswith("/static/covers/")
    assert page.count == "0 reviews"
    assert "hidden" not in page.one("p", id="empty")
    assert page.reviews == []


async def test_home_has_pages(visit: Visit, service: Service) -> None:
    """More books than fit on one page are on the next ones, each once."""
    await service.store.books.put([make_entry(id=number) for number in range(13, 101)])
    browser = await visit()
    page = await browser.open("/")
    found: list[str] = []
    while True:
        found += [link["href"] for link in page.one("ul").all("a")]
        if not [link for link in page.all("a") if link.text == "More books"]:
            break
        page = await browser.follow("More books")
    assert sorted(found) == sorted(f"/books/{number}/" for number in range(1, 101))
    assert (await browser.follow("Back to the first")).path == "/"


async def test_empty_home_says_so(visit: Visit) -> None:
    """Beyond the last book there is a page that says that there is nothing."""
    page = await (await visit()).open("/?page=99")
    assert page.status == 200
    assert ENGLISH["no_books"] in page.text


# Who is visiting.


async def test_visitor_signs_up(visit: Visit) -> None:
    """Who follows "sign up" on a book's page is back there afterwards, and signed in."""
    browser = await visit()
    page = await browser.open(f"/books/{BOOK}/")
    assert not page.all("form", id="write")
    await browser.follow("Sign up")
    page = await browser.send("/sign-up/", username="mina", password=PASSWORD)
    assert page.status == 200
    assert page.path == f"/books/{BOOK}/"
    assert page.one("span", class_="visitor").text == "mina"
    assert page.one("form", id="write")["action"] == f"/books/{BOOK}/reviews/"


async def test_visitor_signs_out_and_in(visit: Visit) -> None:
    """Who signs out is a visitor on the same page, and who signs in again is back there."""
    browser = await visit()
    await browser.open("/sign-up/")
    await browser.send("/sign-up/", username="mina", password=PASSWORD)
    await browser.open(f"/books/{BOOK}/?before=99")
    page = await browser.send("/sign-out/")
    assert page.path == f"/books/{BOOK}/?before=99"
    assert not page.all("span", class_="visitor")
    assert COOKIE not in browser.client.cookies
    await browser.follow("Sign in")
    page = await browser.send("/sign-in/", username="mina", password=PASSWORD)
    assert page.path == f"/books/{BOOK}/?before=99"
    assert page.one("span", class_="visitor").text == "mina"


async def test_invitation_leads_back(visit: Visit) -> None:
    """Who follows the invitation to sign in, and from there to sign up, is back at the book."""
    browser = await visit()
    await browser.open(f"/books/{BOOK}/")
    page = await browser.follow("Sign in to write a review.")
    assert page.path.startswith("/sign-in/")
    await browser.follow("Sign up", inside=page.one("main"))
    page = await browser.send("/sign-up/", username="mina", password=PASSWORD)
    assert page.path == f"/books/{BOOK}/"


async def test_header_leads_back_too(visit: Visit) -> None:
    """Who goes from "sign in" to "sign up" by the links above is back at the book as well."""
    browser = await visit()
    page = await browser.open(f"/books/{BOOK}/")
    page = await browser.follow("Sign in", inside=page.one("nav"))
    await browser.follow("Sign up", inside=page.one("nav"))
    page = await browser.send("/sign-up/", username="mina", password=PASSWORD)
    assert page.path == f"/books/{BOOK}/"


async def test_wrong_password_is_told(visit: Visit, service: Service) -> None:
    """A sign-in that fails shows the form again, with the name, the reason and the way back."""
    await service.account("mina")
    browser = await visit()
    await browser.open(f"/sign-in/?next=/books/{BOOK}/")
    page = await browser.send("/sign-in/", username="mina", password="wrong password")
    assert page.status == 401
    assert page.alert == "The username or the password is wrong."
    fields = page.one("main").one("form").fields
    assert fields == {"username": "mina", "password": "", "next": f"/books/{BOOK}/"}
    assert "wrong password" not in page.answer.text
    assert COOKIE not in browser.client.cookies


@pytest.mark.parametrize(
    ("username", "password", "status", "words"),
    [
        ("jun", PASSWORD, 409, "username_taken"),
        ("a b", PASSWORD, 422, "username_invalid"),
        ("x" * 31, PASSWORD, 422, "username_invalid"),
        ("", PASSWORD, 422, "username_invalid"),
        ("mina", "short", 422, "password_invalid"),
        ("mina", "", 422, "password_invalid"),
        ('"><script>', PASSWORD, 422, "username_invalid"),
    ],
)
async def test_wrong_sign_up_is_told(
    visit: Visit, service: Service, username: str, password: str, status: int, words: str
) -> None:
    """A sign-up that fails shows the form again with the name that was typed, and the reason."""
    await service.account("jun")
    browser = await visit(language="ko")
    await browser.open("/sign-up/")
    page = await browser.send("/sign-up/", username=username, password=password)
    assert page.status == status
    assert page.alert == KOREAN[words]
    fields = page.one("main").one("form").fields
    assert (fields["username"], fields["password"]) == (username, "")


async def test_stale_cookie_is_a_visitor(visit: Visit) -> None:
    """Who comes with a session that is over sees the pages like any visitor."""
    browser = await visit()
    browser.client.cookies.set(COOKIE, "x" * 43, HOST)
    for address in ("/", f"/books/{BOOK}/", "/sign-in/"):
        page = await browser.open(address)
        assert page.status == 200
        assert not page.all("span", class_="visitor")


# Writing.


async def test_review_is_posted(visit: Visit, service: Service) -> None:
    """What is sent by the form is on the page at once, at the top, with its author and time."""
    await write(service, await author(service), "먼저")
    browser = await visit("mina")
    await browser.open(f"/books/{BOOK}/")
    page = await browser.send("/reviews/", content="좋아요\n정말로")
    assert page.status == 200
    assert page.answer.history[0].status_code == 303
    assert page.contents == ["좋아요\n정말로", "먼저"]
    assert page.url == f"http://{HOST}/books/{BOOK}/#{page.reviews[0]['id']}"
    assert page.reviews[0].one("strong").text == "mina"
    assert page.reviews[0].one("time").text == "just now"
    assert re.fullmatch(r"[\d-]+T[\d:.]+Z", page.reviews[0].one("time")["datetime"])
    assert "hidden" in page.reviews[0].one("span", class_="edited")
    assert page.count == "2 reviews"
    assert page.one("main")["data-position"] == f"{service.store.epoch}-2"


async def test_double_submit_is_one(visit: Visit, service: Service) -> None:
    """A form that is sent twice, as by an impatient finger, makes one review."""
    browser = await visit("mina")
    page = await browser.open(f"/books/{BOOK}/")
    fields = {**page.one("form", id="write").fields, "content": "좋아요"}
    first = await browser.submit(f"/books/{BOOK}/reviews/", fields)
    second = await browser.submit(f"/books/{BOOK}/reviews/", fields)
    assert first.url == second.url
    assert second.contents == ["좋아요"]
    assert await service.head(BOOK) == 1


@pytest.mark.parametrize(
    "key", ["x" * 256, "y" * 50_000, "a b", "a\0b", "열쇠"], ids=lambda key: ascii(key[:9])
)
async def test_wrong_form_key_is_refused(visit: Visit, service: Service, key: str) -> None:
    """The key in a form is no more than the API takes in its header."""
    browser = await visit("mina")
    await browser.open(f"/books/{BOOK}/")
    page = await browser.send("/reviews/", content="좋아요", key=key)
    assert page.status == 422
    assert await service.head(BOOK) == 0


async def test_next_form_is_another(visit: Visit) -> None:
    """The form that comes after a post is a new one: the same words make another review."""
    browser = await visit("mina")
    await browser.open(f"/books/{BOOK}/")
    await browser.send("/reviews/", content="좋아요")
    page = await browser.send("/reviews/", content="좋아요")
    assert page.contents == ["좋아요", "좋아요"]


async def test_review_is_edited(visit: Visit, service: Service) -> None:
    """The link to edit shows a form with the text; what is sent by it is on the page."""
    browser = await visit("mina")
    await browser.open(f"/books/{BOOK}/")
    page = await browser.send("/reviews/", content="\n<b>좋아요</b> & 더")
    review = page.reviews[0]["data-id"]
    page = await browser.follow("Edit")
    assert page.path == f"/books/{BOOK}/?edit={review}"
    assert page.one("li").one("form").fields == {"content": "<b>좋아요</b> & 더"}
    page = await browser.send("/edit/", content="아주 좋아요")
    assert page.path.startswith(f"/books/{BOOK}/")
    assert page.url.endswith(f"#review-{review}")
    assert page.contents == ["아주 좋아요"]
    assert "hidden" not in page.reviews[0].one("span", class_="edited")
    assert page.count == "1 review"


async def test_edit_can_be_cancelled(visit: Visit) -> None:
    """Who cancels an edit sees the review as it was."""
    browser = await visit("mina")
    await browser.open(f"/books/{BOOK}/")
    await browser.send("/reviews/", content="좋아요")
    await browser.follow("Edit")
    page = await browser.follow("Cancel")
    assert page.path == f"/books/{BOOK}/"
    assert page.contents == ["좋아요"]


async def test_review_is_deleted(visit: Visit, service: Service) -> None:
    """The link to delete asks first; who answers deletes the review."""
    browser = await visit("mina", language="ko")
    await browser.open(f"/books/{BOOK}/")
    await browser.send("/reviews/", content="좋아요")
    page = await browser.follow("삭제")
    assert "정말 삭제하시겠습니까?" in page.reviews[0].text
    assert await service.head(BOOK) == 1
    page = await browser.send("/delete/")
    assert page.path == f"/books/{BOOK}/"
    assert page.reviews == []
    assert page.count == "댓글 0개"
    assert await service.head(BOOK) == 2


async def test_deletion_can_be_cancelled(visit: Visit, service: Service) -> None:
    """Who does not answer the question keeps the review."""
    browser = await visit("mina")
    await browser.open(f"/books/{BOOK}/")
    await browser.send("/reviews/", content="좋아요")
    await browser.follow("Delete")
    page = await browser.follow("Cancel")
    assert page.path == f"/books/{BOOK}/"
    assert page.contents == ["좋아요"]
    assert await service.head(BOOK) == 1


async def test_looking_changes_nothing(visit: Visit, service: Service) -> None:
    """No address that can be opened changes anything, whoever opens it."""
    mina = await visit("mina")
    await mina.open(f"/books/{BOOK}/")
    review = (await mina.send("/reviews/", content="좋아요")).reviews[0]["data-id"]
    for query in (f"edit={review}&content=x", f"delete={review}", f"delete={review}&yes=1"):
        await mina.open(f"/books/{BOOK}/?{query}")
    for path in (f"{review}/edit/?content=x", f"{review}/delete/", "?content=x"):
        assert (await mina.open(f"/books/{BOOK}/reviews/{path}")).status == 405
    assert await service.head(BOOK) == 1


async def test_only_own_reviews_have_links(visit: Visit, service: Service) -> None:
    """Only the author and the staff see how to change a review, and get the forms for it."""
    mina = await visit("mina")
    await mina.open(f"/books/{BOOK}/")
    review = (await mina.send("/reviews/", content="좋아요")).reviews[0]["data-id"]
    for visitor in (await visit(), await visit("jun")):
        page = await visitor.open(f"/books/{BOOK}/?edit={review}&delete={review}")
        assert page.contents == ["좋아요"]
        assert not page.reviews[0].all("a")
        assert not page.reviews[0].all("form")
    sora = await visit("sora", staff=True)
    page = await sora.open(f"/books/{BOOK}/")
    assert [link.text for link in page.reviews[0].all("a")] == ["Edit", "Delete"]
    await sora.follow("Edit")
    page = await sora.send("/edit/", content="고침")
    assert page.contents == ["고침"]
    assert page.reviews[0].one("strong").text == "mina"


@pytest.mark.parametrize(("username", "status"), [(None, 401), ("mina", 403)])
@pytest.mark.parametrize("action", ["edit", "delete"])
async def test_others_cannot_change(
    visit: Visit, service: Service, username: str | None, status: int, action: str
) -> None:
    """Who sends the form for somebody else's review is told that it failed."""
    (review,) = await write(service, await author(service), "좋아요")
    browser = await visit(username)
    page = await browser.submit(f"/books/{BOOK}/reviews/{review}/{action}/", {"content": "고침"})
    assert page.status == status
    assert page.alert
    assert page.alert.startswith(ENGLISH["update_failed" if action == "edit" else "delete_failed"])
    assert page.contents == ["좋아요"]
    assert await service.head(BOOK) == 1


async def test_signed_out_cannot_post(visit: Visit, service: Service) -> None:
    """Who is not signed in any more when the form is sent is told so, and invited to sign in."""
    page = await (await visit(language="ko")).submit(
        f"/books/{BOOK}/reviews/", {"content": "좋아요"}
    )
    assert page.status == 401
    assert page.alert
    assert page.alert.startswith("댓글 작성에 실패했습니다.")
    assert KOREAN["sign_in_to_write"] in page.text
    assert await service.head(BOOK) == 0


# What is wrong.


@pytest.mark.parametrize("content", ["x" * 5_001, "   ", "a\0b</textarea><script>", "\n\n"])
async def test_wrong_review_is_kept(visit: Visit, service: Service, content: str) -> None:
    """A review that cannot be posted is told to be wrong, and is still in the form."""
    browser = await visit("mina", language="ko")
    await browser.open(f"/books/{BOOK}/")
    page = await browser.send("/reviews/", content=content)
    assert page.status == 422
    assert page.alert
    assert page.alert.startswith("댓글 작성에 실패했습니다.")
    typed = page.one("form", id="write").fields["content"]
    assert typed.replace("\r\n", "\n").replace("\ufffd", "\0") == content
    assert page.reviews == []
    page = await browser.send("/reviews/", content="좋아요")
    assert page.status == 200
    assert page.contents == ["좋아요"]
    assert page.alert is None
    assert await service.head(BOOK) == 1


async def test_wrong_edit_is_kept(visit: Visit) -> None:
    """An edit that cannot be kept is told to be wrong, and is still in the form."""
    browser = await visit("mina")
    await browser.open(f"/books/{BOOK}/")
    await browser.send("/reviews/", content="좋아요")
    await browser.follow("Edit")
    page = await browser.send("/edit/", content="x" * 5_001)
    assert page.status == 422
    assert page.alert
    assert page.alert.startswith("Your review could not be changed.")
    assert page.reviews[0].one("form").fields == {"content": "x" * 5_001}
    assert page.one("form", id="write").fields["content"] == ""
    page = await browser.send("/edit/", content="아주 좋아요")
    assert page.contents == ["아주 좋아요"]


async def test_wrong_old_edit_is_kept(visit: Visit, service: Service) -> None:
    """An edit of an older review, on a later page, that cannot be kept is still in its form."""
    browser = await visit("mina")
    await browser.open(f"/books/{BOOK}/")
    await browser.send("/reviews/", content="오래된")
    await write(service, await author(service), *map(str, range(MANY)))
    await browser.open(f"/books/{BOOK}/?before=2")
    await browser.follow("Edit")
    page = await browser.send("/edit/", content="x" * 5_001)
    assert page.status == 422
    assert page.one("ol").one("form").fields == {"content": "x" * 5_001}


async def test_edited_old_review_is_shown(visit: Visit, service: Service) -> None:
    """Who has edited an older review, on a later page, sees it afterwards."""
    browser = await visit("mina")
    await browser.open(f"/books/{BOOK}/")
    await browser.send("/reviews/", content="오래된")
    await write(service, await author(service), *map(str, range(MANY)))
    await browser.open(f"/books/{BOOK}/?before=2")
    await browser.follow("Edit")
    page = await browser.send("/edit/", content="고침")
    assert "고침" in page.contents


async def test_reasons_are_in_language(visit: Visit) -> None:
    """A Korean page tells what is wrong in Korean words alone."""
    browser = await visit("mina", language="ko")
    await browser.open(f"/books/{BOOK}/")
    for content in ("x" * 5_001, " ", "", "\a"):
        page = await browser.send("/reviews/", content=content)
        assert page.alert
        assert page.alert.strip() != KOREAN["create_failed"]
        assert not re.search("[A-Za-z]", page.alert)


async def test_wrong_page_leads_on(visit: Visit, service: Service) -> None:
    """Every link and form of a page that complains leads to a page again."""
    browser = await visit("mina")
    await browser.open(f"/books/{BOOK}/")
    await browser.send("/reviews/", content="좋아요")
    wrong = await browser.send("/reviews/", content="x" * 5_001)
    assert wrong.status == 422
    for link in wrong.all("a"):
        if "hidden" not in link:
            browser.page = wrong
            assert (await browser.open(link["href"])).status == 200
    for code in ("ko", "en"):
        browser.page = wrong
        assert (
            await browser.submit("/language/", {**_next(wrong), "language": code})
        ).status == 200
    browser.page = wrong
    assert (await browser.submit("/sign-out/", _next(wrong))).status == 200


async def test_lost_session_leads_back(visit: Visit) -> None:
    """Who signs in on the page that refused a review is back at the book."""
    browser = await visit()
    await browser.open("/sign-up/")
    await browser.send("/sign-up/", username="mina", password=PASSWORD)
    await browser.open(f"/books/{BOOK}/")
    browser.client.cookies.clear()
    await browser.send("/reviews/", content="좋아요")
    await browser.follow("Sign in to write a review.")
    page = await browser.send("/sign-in/", username="mina", password=PASSWORD)
    assert page.status == 200
    assert page.path == f"/books/{BOOK}/"


async def test_deleted_review_is_told(visit: Visit, service: Service) -> None:
    """Who edits what was deleted meanwhile is told so on the book's page."""
    mina = await visit("mina")
    await mina.open(f"/books/{BOOK}/")
    review = (await mina.send("/reviews/", content="좋아요")).reviews[0]["data-id"]
    await mina.follow("Edit")
    staff = await service.account("sora", staff=True)
    await service.store.reviews.delete(int(review), by=staff)
    page = await mina.send("/edit/", content="고침")
    assert page.status == 404
    assert page.alert
    assert page.reviews == []


# Older reviews.


async def test_older_reviews_follow(visit: Visit, service: Service) -> None:
    """From link to link come all reviews, newest first, each once, and the way back."""
    await write(service, await author(service), *map(str, range(MANY)))
    browser = await visit()
    page = await browser.open(f"/books/{BOOK}/")
    found = page.contents
    while "hidden" not in page.one("a", id="older"):
        assert len(page.contents) == 20
        page = await browser.follow("Older reviews")
        assert page.status == 200
        assert page.count == f"{MANY} reviews"
        found += page.contents
    assert found == [str(number) for number in reversed(range(MANY))]
    assert (await browser.follow("Newest reviews")).contents == found[:20]


async def test_full_last_page_is_last(visit: Visit, service: Service) -> None:
    """Where the last review is the last on its page, no link leads to an empty one."""
    await write(service, await author(service), *map(str, range(20)))
    page = await (await visit()).open(f"/books/{BOOK}/")
    assert len(page.reviews) == 20
    assert "hidden" in page.one("a", id="older")


async def test_older_review_is_edited_there(visit: Visit, service: Service) -> None:
    """The link to edit an older review shows its form on its own page."""
    browser = await visit("mina")
    await browser.open(f"/books/{BOOK}/")
    await browser.send("/reviews/", content="오래된")
    await write(service, await author(service), *map(str, range(MANY)))
    await browser.open(f"/books/{BOOK}/?before=2")
    for words, form in (("Edit", "write"), ("Delete", "question")):
        page = await browser.follow(words)
        assert page.one("ol").one("form")["class"] == form
        await browser.open(f"/books/{BOOK}/?before=2")


# Languages.


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("ko-KR,ko;q=0.9,en-US;q=0.8,en;q=0.7", "ko"),
        ("en-US,en;q=0.9,ko;q=0.8", "en"),
        ("en;q=0.5,ko;q=0.8", "ko"),
        ("fr,ko;q=0.1", "ko"),
        ("fr", "en"),
        ("ko;q=0", "en"),
        ("KO", "ko"),
        ("kok", "en"),
        ("*", "en"),
        ("", "en"),
        ("ko;q=x", "en"),
        ("ko;q=nan", "en"),
        (";;;,,,q=", "en"),
    ],
)
def test_preferred_language_is_found(accepted: str, language: str) -> None:
    """Of our languages the one that the browser likes best is taken, else English."""
    assert preferred_language(accepted) == language


@given(st.text() | st.from_regex(r"((ko|en|\*)(-[A-Z]*)? *(; *q *= *[0-9.e+-]*)?,? *)*"))
def test_any_preference_is_a_language(accepted: str) -> None:
    """Whatever a browser prefers, it gets one of our languages: English, unless it names Korean."""
    assert preferred_language(accepted) in WORDS
    if "ko" not in accepted.lower():
        assert preferred_language(accepted) == "en"


async def test_pages_have_language(visit: Visit) -> None:
    """Pages are in the language that the browser prefers, and say in which."""
    korean = await (await visit(language="ko-KR,ko;q=0.9")).open(f"/books/{BOOK}/")
    english = await (await visit(language="en-GB,en;q=0.9")).open(f"/books/{BOOK}/")
    neither = await (await visit(language="de")).open(f"/books/{BOOK}/")
    assert (korean.language, english.language, neither.language) == ("ko", "en", "en")
    assert KOREAN["no_reviews"] in korean.text
    assert ENGLISH["no_reviews"] in english.text


async def test_switch_changes_language(visit: Visit) -> None:
    """The switch changes the language of this page and of all later ones, and back."""
    browser = await visit(language="en")
    await browser.open(f"/books/{BOOK}/?before=5")
    page = await browser.send("/language/", language="ko")
    assert page.path == f"/books/{BOOK}/?before=5"
    assert page.language == "ko"
    assert (await browser.open("/")).language == "ko"
    assert (await browser.send("/language/", language="en")).language == "en"


async def test_switch_offers_the_other(visit: Visit) -> None:
    """The switch offers the language that the page is not in, in its own words."""
    for language, offered in (("ko", "English"), ("en", "한국어")):
        page = await (await visit(language=language)).open("/")
        (button,) = page.one("form", action="/language/").all("button")
        assert button.text == offered
        assert button["lang"] == button["value"] != page.language


async def test_unknown_language_is_ignored(visit: Visit) -> None:
    """A language that there is not changes nothing, sent or kept."""
    browser = await visit(language="ko")
    await browser.open("/")
    assert (await browser.submit("/language/", {"language": "xx"})).language == "ko"
    browser.client.cookies.set("livria_language", "xx", HOST)
    assert (await browser.open("/")).language == "ko"


async def test_old_words_are_there(visit: Visit) -> None:
    """The Korean words of the old page have stayed, where they were."""
    browser = await visit("mina", language="ko")
    page = await browser.open(f"/books/{BOOK}/")
    form = page.one("form", id="write")
    assert form.one("textarea")["placeholder"] == "댓글을 작성해주세요"
    assert form.one("button").text == "작성"
    words = _scripted(page)
    assert words["delete_question"] == "정말 삭제하시겠습니까?"
    assert words["create_failed"] == "댓글 작성에 실패했습니다."


async def test_scripts_find_their_words(visit: Visit) -> None:
    """Every word that a script says is on the pages that it runs on, in each language."""
    static = resources.files("livria_sse") / "static"
    scripts = [each.read_text("utf-8") for each in static.iterdir() if each.name.endswith(".js")]
    said = {name for script in scripts for name in re.findall(r"\bwords\.(\w+)", script)}
    counted = {name for script in scripts for name in re.findall(r'counted\(.*, "(\w+)"', script)}
    states = {"connecting", "live", "reconnecting", "polling", "offline"}
    needed = (said - {"js"}) | states | {f"{name}_{form}" for name in counted for form in FORMS}
    assert len(needed) > 20
    for language in ("ko", "en"):
        for address in ("/", f"/books/{BOOK}/"):
            page = await (await visit(language=language)).open(address)
            assert needed <= set(_scripted(page))


async def test_home_shows_latest_lines(visit: Visit, service: Service) -> None:
    """With each book is its newest review that there still is, and who wrote it."""
    jun = await author(service)
    _, hidden, deleted = await write(service, jun, "처음", "숨김", "지움")
    await service.store.reviews.delete(deleted, by=jun)
    await service.store.moderation.hide(hidden, by=await service.account("sora", staff=True))
    await write(service, await author(service, "mina"), "다른 책", book=3)
    page = await (await visit()).open("/")
    lines = {
        item["data-book"]: [_text(part) for part in item.one("p", class_="latest").children]
        for item in page.one("ul").all("li")
        if item.one("p", class_="latest").children
    }
    assert lines == {str(BOOK): ["jun", " ", "처음"], "3": ["mina", " ", "다른 책"]}
    places = {item["data-book"]: item["data-position"] for item in page.one("ul").all("li")}
    assert places[str(BOOK)] == f"{service.store.epoch}-{await service.head(BOOK)}"


def test_languages_have_same_words() -> None:
    """Each language has every word, none of them empty, with the same places to fill in."""
    assert set(KOREAN) == set(ENGLISH)
    for key in ENGLISH:
        places = [_places(words[key]) for words in WORDS.values()]
        assert places[0] == places[1]
        assert all(words[key].strip() for words in WORDS.values())


def test_words_differ() -> None:
    """No word of one language was left in the other."""
    same = {key for key in ENGLISH if KOREAN[key] == ENGLISH[key]}
    assert not same
    assert not [key for key, word in ENGLISH.items() if re.search("[가-힣]", word)]


# Safety.

SCRIPT = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'&amp;{{ 7*7 }}"


async def test_text_stays_text(visit: Visit, service: Service) -> None:
    """What anybody writes, in a book or a review, is shown letter by letter and is no markup."""
    hostile = make_entry(title=SCRIPT, author=SCRIPT, description=SCRIPT, cover='/x"onload="x')
    await service.store.books.put([hostile])
    browser = await visit("mina")
    await browser.open(f"/books/{BOOK}/")
    page = await browser.send("/reviews/", content=SCRIPT)
    assert page.contents == [SCRIPT]
    assert page.one("h1").text == SCRIPT
    assert page.one("p", class_="description").text == SCRIPT
    page = await browser.follow("Edit")
    assert page.one("li").one("form").fields["content"] == SCRIPT
    _assert_strict(page)
    home = await browser.open("/")
    assert SCRIPT in home.text
    _assert_strict(home)


async def test_address_stays_text(visit: Visit) -> None:
    """What stands in the address is nowhere markup in the page."""
    hostile = quote('"><script>alert(1)</script>')
    for address in (f"/?x={hostile}", f"/books/{BOOK}/?x={hostile}", f"/sign-in/?next=/{hostile}"):
        page = await (await visit()).open(address)
        assert len(page.all("script")) <= 1
        _assert_strict(page)


async def test_every_page_is_strict(visit: Visit, service: Service) -> None:
    """Every page has a policy without `unsafe-inline`, and nothing in it that needs that."""
    mina = await visit("mina")
    await mina.open(f"/books/{BOOK}/")
    review = (await mina.send("/reviews/", content="좋아요")).reviews[0]["data-id"]
    await write(service, await author(service), *map(str, range(MANY)))
    visitor = await visit(language="ko")
    pages = [
        *[await visitor.open(path) for path in ("/", "/sign-in/", "/sign-up/", "/books/1/")],
        await visitor.open(f"/books/{BOOK}/"),
        await mina.open("/?page=2"),
        await mina.open(f"/books/{BOOK}/?before=2"),
        await mina.open(f"/books/{BOOK}/?before=2&edit={review}"),
        await mina.send("/edit/", content="x" * 5_001),
        await mina.open(f"/books/{BOOK}/?before=2&delete={review}"),
        await mina.submit(f"/books/{BOOK}/reviews/", {"content": " "}),
        await visitor.submit("/sign-in/", {"username": "x", "password": "x"}),
        await visitor.submit("/sign-up/", {"username": "x", "password": "x"}),
    ]
    for page in pages:
        _assert_strict(page)


async def test_session_is_secure_on_https(service: Service) -> None:
    """A session that was opened by a form on https is never sent in the clear."""
    fields = {"username": "mina", "password": PASSWORD}
    async with service.client() as client:
        for address in ("/sign-up/", "/sign-in/"):
            answer = await client.post(f"https://{HOST}{address}", data=fields)
            assert "; secure" in answer.headers["set-cookie"].lower()
            answer = await client.post("/sign-in/", data=fields)
            assert "; secure" not in answer.headers["set-cookie"].lower()


async def test_cookies_stay_here(service: Service) -> None:
    """The cookies of the pages are out of reach of scripts and of other sites."""
    async with service.client() as client:
        for address, fields in (
            ("/sign-up/", {"username": "mina", "password": PASSWORD}),
            ("/sign-in/", {"username": "mina", "password": PASSWORD}),
            ("/language/", {"language": "ko"}),
        ):
            answer = await client.post(address, data=fields)
            assert answer.status_code == 303
            cookie = answer.headers["set-cookie"].lower()
            assert "httponly" in cookie
            assert "samesite=lax" in cookie


ELSEWHERE = [
    "https://evil.example/",
    "//evil.example/",
    "///evil.example/",
    "/\\evil.example/",
    "\\\\evil.example/",
    "/\t/evil.example/",
    "/\n/evil.example/",
    "\t//evil.example/",
    " //evil.example/",
    "http:evil.example",
    "javascript:alert(1)",
    "data:text/html,x",
    "evil.example",
    "@evil.example",
    "/\r\nSet-Cookie: x=y",
    "",
]


@pytest.mark.parametrize("elsewhere", ELSEWHERE, ids=ascii)
async def test_next_stays_on_site(service: Service, elsewhere: str) -> None:
    """Wherever `next` points, nobody is sent off the site."""
    await service.auth.sign_up("mina", PASSWORD)
    async with service.client() as client:
        for address, fields in (
            ("/sign-in/", {"username": "mina", "password": PASSWORD}),
            ("/language/", {"language": "ko"}),
            ("/sign-out/", {}),
        ):
            answer = await client.post(address, data={**fields, "next": elsewhere})
            assert answer.status_code == 303
            assert _host_of(answer.headers["location"]) == HOST
            assert "x" not in answer.cookies
        for address in ("/sign-in/", "/sign-up/"):
            page = Page(await client.get(address, params={"next": elsewhere}))
            forms = [each.fields["next"] for each in page.all("form")]
            assert {_host_of(each) for each in forms} == {HOST}


async def test_next_keeps_its_place(service: Service) -> None:
    """An address on the site is gone back to with its query and its place."""
    async with service.client() as client:
        for here in ("/books/1/", "/books/1/?before=5&x=%EC%B1%85#reviews", "/"):
            answer = await client.post("/language/", data={"language": "ko", "next": here})
            assert answer.headers["location"] == here


# Errors.

MISSING = [
    ("/books/99/", 404),
    ("/books/x/", 404),
    (f"/books/{'9' * 5_000}/", 404),
    ("/nope", 404),
    ("/books/", 404),
    ("/?page=x", 422),
    (f"/books/{BOOK}/?before=x", 422),
    (f"/books/{BOOK}/?edit=0", 422),
    (f"/books/{BOOK}/reviews/", 405),
]


@pytest.mark.parametrize(("address", "status"), MISSING, ids=lambda value: str(value)[:24])
async def test_missing_pages_are_pages(visit: Visit, address: str, status: int) -> None:
    """A browser that asks for what is not there gets a page that says so, in its language."""
    page = await (await visit(language="ko")).open(address)
    assert page.status == status
    assert page.language == "ko"
    assert KOREAN["not_found" if status == 404 else "failed"] in page.text
    assert page.all("a", href="/")
    _assert_strict(page)


async def test_refused_forms_are_pages(visit: Visit) -> None:
    """A browser whose form cannot be read gets a page that says so."""
    browser = await visit("mina")
    await browser.open(f"/books/{BOOK}/")
    page = await browser.send("/reviews/", content="x" * 70_000)
    assert page.status == 413
    assert ENGLISH["failed"] in page.text
    _assert_strict(page)


async def test_error_pages_keep_headers(visit: Visit) -> None:
    """A page that refuses has the headers that its status demands (RFC 9110, section 15)."""
    browser = await visit()
    page = await browser.open(f"/books/{BOOK}/reviews/")
    assert page.status == 405
    assert page.answer.headers["allow"] == "POST"


@pytest.mark.parametrize("address", ["/books/99/", "/nope", "/?page=x"])
async def test_programs_get_problems(client: httpx.AsyncClient, address: str) -> None:
    """Who does not ask for a page gets the problem as everywhere else."""
    for accepted in ("*/*", "application/json"):
        answer = await client.get(address, headers={"Accept": accepted})
        assert answer.headers["content-type"] == "application/problem+json"
        assert 400 <= answer.status_code < 500


async def test_pages_survive_a_crowd(visit: Visit, service: Service) -> None:
    """Many forms at the same time are all posted, and the page has them all."""
    browsers = [await visit(f"reader{number}") for number in range(8)]
    for browser in browsers:
        await browser.open(f"/books/{BOOK}/")
    await asyncio.gather(*(browser.send("/reviews/", content="좋아요") for browser in browsers))
    page = await browsers[0].open(f"/books/{BOOK}/")
    assert len(page.reviews) == len(browsers)
    assert await service.head(BOOK) == len(browsers)


def _assert_strict(page: Page) -> None:
    """Nothing in the page needs more than its policy allows, and that is little."""
    headers = page.answer.headers
    policy = dict(
        part.strip().partition(" ")[::2] for part in headers["content-security-policy"].split(";")
    )
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert policy["form-action"] == "'self'"
    assert not re.search("unsafe|data:|blob:|\\*", headers["content-security-policy"])
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert re.search("no-cache|no-store", headers["cache-control"])
    for element in _everything(page):
        assert element.tag not in {"style", "base", "iframe", "object", "embed"}
        assert not [name for name in element.attributes if name == "style" or name[:2] == "on"]
        if element.tag == "script":
            assert element["src"].startswith("/static/")
            assert element.text == ""
        for name in ("href", "action", "formaction"):
            assert _host_of(element.attributes.get(name, "/")) == HOST


def _everything(page: Element) -> list[Element]:
    """All elements of a page, templates and what is in them included."""
    inside = [child for child in page.children if isinstance(child, Element)]
    return [page, *chain(*map(_everything, inside))]


def _text(part: Element | str) -> str:
    return part if isinstance(part, str) else part.text


def _scripted(page: Element) -> dict[str, str]:
    """The words that scripts find on a page."""
    (template,) = [part for part in _everything(page) if part.attributes.get("id") == "words"]
    words: dict[str, str] = json.loads(template["data-words"])
    return words


def _host_of(address: str) -> str | None:
    """Where a browser would go (WHATWG URL: tabs and line ends are dropped, backslashes turned)."""
    cleaned = re.sub("[\t\r\n]", "", address).strip().replace("\\", "/")
    cleaned = re.sub("^//+", "//", cleaned)
    parts = urlsplit(urljoin(f"http://{HOST}/", cleaned))
    return parts.hostname if parts.scheme in {"http", "https"} else None


def _next(page: Page) -> dict[str, str]:
    return {"next": page.one("form", action="/language/").fields["next"]}


def _places(words: str) -> set[str | None]:
    return {name for _, name, _, _ in string.Formatter().parse(words) if name}


@pytest.mark.parametrize("action", ["edit", "delete"])
@pytest.mark.parametrize(
    "book", ["abc", "999999", "11"], ids=["no number", "unknown book", "another book"]
)
async def test_refused_forms_change_nothing(
    visit: Visit, service: Service, action: str, book: str
) -> None:
    """A form that is answered with an error has changed nothing."""
    browser = await visit("mina")
    await browser.open(f"/books/{BOOK}/")
    await browser.send("/reviews/", content="좋아요")
    head = await service.head(BOOK)

    for address in (
        f"/books/{book}/reviews/1/{action}/",
        f"/books/{BOOK}/reviews/1/{action}/?before=zzz",
    ):
        answer = await browser.client.post(address, data={"content": "changed"})
        assert 400 <= answer.status_code < 500

    assert await service.head(BOOK) == head


async def test_scripts_are_asked_about_again(client: httpx.AsyncClient) -> None:
    """Scripts are used again only if they have not changed, so that all are of one version."""
    script = await client.get("/static/tab.js")
    again = await client.get("/static/tab.js", headers={"If-None-Match": script.headers["ETag"]})

    assert (script.status_code, again.status_code) == (200, 304)
    for answer in (script, again):
        assert answer.headers["Cache-Control"] == "no-cache"
