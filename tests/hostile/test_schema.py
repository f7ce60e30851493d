"""What the description of the API allows, and what it does not, all asked of a real server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings, strategies as st

from livria_sse.web.openapi import openapi
from tests.parts import Person, ServerProcess

#: Ids that are looked for: half of them are there.
FEW = 24
DESCRIBED = schemathesis.openapi.from_dict(openapi())
#: What has too many fields is refused for that, before anybody looks what they are.
_REJECTION = DESCRIBED.config.checks.negative_data_rejection
_REJECTION.expected_statuses = [*_REJECTION.expected_statuses, "414"]
#: Whoever waits for the end of a stream waits for ever.
ENDING = DESCRIBED.exclude(path_regex="^/sse/")
STREAMS = [DESCRIBED["/sse/books/{id}/"]["GET"], DESCRIBED["/sse/books/"]["GET"]]
#: JSON Schema cannot say which texts nobody could see, nor which characters are refused: what it
#: calls right may be 422.
BEYOND_SCHEMAS = [schemathesis.checks.positive_data_acceptance]

fuzzed = settings(suppress_health_check=list(HealthCheck), derandomize=True)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """One server for all tests here."""
    with ServerProcess(tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture(scope="module")
def sora(server: ServerProcess) -> Iterator[Person]:
    """Somebody of the staff, who has written what can be found."""
    with Person(server.url, "sora") as sora:
        server.make_staff("sora")
        for number in range(FEW // 2):
            sora.post(1, f"review {number}")
        yield sora


def look_for_few(case: schemathesis.Case[Any]) -> None:
    """Makes a request that is described ask for what is there, half of the time."""
    assert case.meta
    if not case.meta.generation.mode.is_positive:
        return
    places: list[tuple[Any, str]] = [
        (case.path_parameters, "id"),
        (case.body, "book"),
        (case.query, "book"),
    ]
    for place, name in places:
        if isinstance(place, dict) and name in place:
            place[name] = few_of(place[name])


def few_of(asked: Any) -> Any:
    """An id that is there, or several."""
    if isinstance(asked, list):
        return [few_of(each) for each in asked]
    return 1 + int(asked) % FEW


@ENDING.parametrize()
@fuzzed
def test_answers_are_as_described(
    case: schemathesis.Case[Any], server: ServerProcess, sora: Person
) -> None:
    """Every answer has a status, a type and a document that are described, and none is 5xx.

    What is not described is refused: other methods, other types, and whoever is not signed in.
    """
    look_for_few(case)
    headers = {"Authorization": f"Bearer {sora.token}"}
    case.call_and_validate(server.url, headers=headers, excluded_checks=BEYOND_SCHEMAS)


@given(case=st.one_of(*(each.as_strategy() for each in STREAMS)), known=st.booleans())
@fuzzed
def test_streams_are_as_described(
    case: schemathesis.Case[Any], known: bool, server: ServerProcess
) -> None:
    """A stream begins as it is described, wherever it is resumed from; or it is a refusal."""
    if known:
        look_for_few(case)
    headers = {name.encode(): text.encode("latin-1") for name, text in case.headers.items()}
    url = f"{server.url}{case.formatted_path}"
    with httpx.stream("GET", url, params=case.query, headers=headers) as answer:
        if answer.status_code == 200:
            assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
            assert b": livria-sse book=" in next(answer.iter_raw())
        else:
            answer.read()
            case.validate_response(answer, excluded_checks=BEYOND_SCHEMAS)


def test_description_is_the_servers(server: ServerProcess) -> None:
    """What is asked for here is what programs are told."""
    assert httpx.get(f"{server.url}/openapi.json").json() == openapi()
    assert len(list(ENDING.get_all_operations())) > 10
