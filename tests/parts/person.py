"""Somebody who writes."""

from __future__ import annotations

from typing import Any, Self

import httpx

PASSWORD = "correct horse battery"
#: Made once: each client would read all certificates of the world again.
TRUSTED = httpx.create_ssl_context()


class Person:
    """Somebody with an account, who writes through the API."""

    def __init__(self, url: str, username: str) -> None:
        self.username = username
        self._client = httpx.Client(base_url=url, timeout=30, verify=TRUSTED)
        answer = self._client.post(
            "/api/accounts/signup/", json={"username": username, "password": PASSWORD}
        )
        answer.raise_for_status()
        self.token: str = answer.json()["token"]
        self._client.cookies.clear()
        self._client.headers["Authorization"] = f"Bearer {self.token}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def post(self, book: int, content: str, **headers: str) -> Any:
        """Posts a review; the answer's document."""
        answer = self._client.post(
            "/api/reviews/", json={"book": book, "content": content}, headers=headers
        )
        return answer.raise_for_status().json()

    def edit(self, review: int, content: str) -> Any:
        """Edits a review; the answer's document."""
        answer = self._client.patch(f"/api/reviews/{review}/", json={"content": content})
        return answer.raise_for_status().json()

    def delete(self, review: int) -> str:
        """Deletes a review; the position after it."""
        answer = self._client.delete(f"/api/reviews/{review}/")
        return answer.raise_for_status().headers["Livria-Position"]

    def get(self, address: str) -> Any:
        """What is found at an address."""
        return self._client.get(address).raise_for_status().json()
