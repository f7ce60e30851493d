"""A browser without scripts: it reads pages, follows links and sends forms."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from urllib.parse import urlencode, urljoin, urlsplit

import httpx

from tests.web.service import HOST

ACCEPT = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
FORM = "application/x-www-form-urlencoded"
#: Elements without content or end (WHATWG HTML, "void elements").
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source"}


class Element:
    """A part of a page."""

    def __init__(self, tag: str, attributes: dict[str, str], parent: Element | None) -> None:
        self.tag = tag
        self.attributes = attributes
        self.parent = parent
        self.children: list[Element | str] = []

    def __getitem__(self, name: str) -> str:
        return self.attributes[name]

    def __contains__(self, name: str) -> bool:
        return name in self.attributes

    def __iter__(self) -> Iterator[Element]:
        """It and all that is in it, in the order of the page; templates are no part of it."""
        yield self
        for child in self.children:
            if isinstance(child, Element) and child.tag != "template":
                yield from child

    @property
    def text(self) -> str:
        """What is read in it."""
        pieces = (child if isinstance(child, str) else child.text for child in self.children)
        return "".join(pieces)

    def all(self, tag: str, **attributes: str) -> list[Element]:
        """The elements in it with a tag and these attributes; `class_` is one of several."""
        return [each for each in self if each.tag == tag and each._has(attributes)]

    def one(self, tag: str, **attributes: str) -> Element:
        """The only such element in it."""
        found = self.all(tag, **attributes)
        assert len(found) == 1, f"{len(found)} of <{tag}> {attributes}"
        return found[0]

    def _has(self, attributes: dict[str, str]) -> bool:
        attributes = dict(attributes)
        class_ = attributes.pop("class_", None)
        if class_ is not None and class_ not in self.attributes.get("class", "").split():
            return False
        return attributes.items() <= self.attributes.items()

    @property
    def fields(self) -> dict[str, str]:
        """What a form would send as it is."""
        fields = {each["name"]: each.attributes.get("value", "") for each in self.all("input")}
        areas = {each["name"]: each.text.removeprefix("\n") for each in self.all("textarea")}
        return {**fields, **areas}


class _Builder(HTMLParser):
    """Makes a tree of a page, and asserts that what is begun is ended."""

    def __init__(self) -> None:
        super().__init__()
        self.root = self._inner = Element("", {}, None)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"<{tag}> has an attribute twice: {names}"
        element = Element(tag, {name: value or "" for name, value in attrs}, self._inner)
        self._inner.children.append(element)
        if tag not in VOID:
            self._inner = element

    def handle_endtag(self, tag: str) -> None:
        assert self._inner.tag == tag, f"</{tag}> ends <{self._inner.tag}>"
        assert self._inner.parent
        self._inner = self._inner.parent

    def handle_data(self, data: str) -> None:
        self._inner.children.append(data)


class Page(Element):
    """What a browser shows."""

    def __init__(self, answer: httpx.Response) -> None:
        super().__init__("", {}, None)
        self.answer = answer
        self.url = str(answer.url)
        self.status = answer.status_code
        assert answer.headers["content-type"] == "text/html; charset=utf-8", answer.text
        builder = _Builder()
        builder.feed(answer.text)
        builder.close()
        assert builder.root is builder._inner, f"<{builder._inner.tag}> is not ended"
        self.children = builder.root.children

    @property
    def path(self) -> str:
        """Where it is on the site, without the place in it."""
        parts = urlsplit(self.url)
        return parts.path + (f"?{parts.query}" if parts.query else "")

    @property
    def language(self) -> str:
        """The language that it says it is in."""
        return self.one("html")["lang"]

    @property
    def alert(self) -> str | None:
        """What it complains about."""
        shown = [each for each in self.all("p", role="alert") if "hidden" not in each]
        return shown[0].text if shown else None

    @property
    def count(self) -> str:
        """How many reviews it says there are."""
        (heading,) = [each for each in self if each.attributes.get("id") == "count"]
        return heading.text

    @property
    def reviews(self) -> list[Element]:
        """The reviews on it, from top to bottom."""
        return self.all("li", class_="review")

    @property
    def contents(self) -> list[str]:
        """The texts of the reviews on it, from top to bottom."""
        return [each.one("p", class_="content").text for each in self.reviews]


class Browser:
    """Somebody who looks at pages, with cookies and without scripts."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client
        self.page = Page(
            httpx.Response(200, html="", request=httpx.Request("GET", f"http://{HOST}"))
        )
        client.headers["Accept"] = ACCEPT

    async def open(self, address: str) -> Page:
        """Opens an address."""
        return await self._go("GET", address, None)

    async def follow(self, words: str, *, inside: Element | None = None) -> Page:
        """Follows the only link with these words."""
        links = [each for each in (inside or self.page).all("a") if each.text.strip() == words]
        assert len(links) == 1, f"{len(links)} links {words!r}"
        assert "hidden" not in links[0]
        return await self._go("GET", links[0]["href"], None)

    async def send(self, action: str, **typed: str) -> Page:
        """Sends the only form with an action that ends so, with what is typed into it."""
        forms = [
            each for each in self.page.all("form") if urlsplit(each["action"]).path.endswith(action)
        ]
        assert len(forms) == 1, f"{len(forms)} forms {action!r}"
        assert forms[0]["method"] == "post"
        fields = forms[0].fields
        buttons = {each["name"] for each in forms[0].all("button") if "name" in each}
        assert set(typed) <= set(fields) | buttons, f"it has {set(fields) | buttons}"
        # Browsers send line ends as CRLF (WHATWG HTML, "constructing the entry list").
        return await self.submit(
            forms[0]["action"],
            {name: value.replace("\n", "\r\n") for name, value in {**fields, **typed}.items()},
        )

    async def submit(self, address: str, fields: dict[str, str]) -> Page:
        """Sends fields to an address, as a form on this page would."""
        return await self._go("POST", address, fields)

    async def _go(self, method: str, address: str, fields: dict[str, str] | None) -> Page:
        headers = {"Sec-Fetch-Site": "same-origin"}
        content = None
        if fields is not None:  # by hand, since httpx gives an empty form no type
            headers |= {"Origin": f"http://{HOST}", "Content-Type": FORM}
            content = urlencode(fields)
        url = urljoin(self.page.url, address)
        answer = await self.client.request(
            method, url, content=content, headers=headers, follow_redirects=True
        )
        self.page = Page(answer)
        return self.page
