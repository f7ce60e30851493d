"""What the lifespan opens and every request finds in `request.state`."""

from __future__ import annotations

from typing import TypedDict

from jinja2 import Environment
from starlette.requests import Request as StarletteRequest

from livria_sse.auth import Auth
from livria_sse.hub import Hub
from livria_sse.store import Store
from livria_sse.throttle import Throttle
from livria_sse.web.metrics import Metrics
from livria_sse.web.origins import Origins
from livria_sse.web.turns import Turns


class State(TypedDict):
    """The open parts of the service."""

    store: Store
    hub: Hub
    auth: Auth
    throttle: Throttle
    templates: Environment
    origins: Origins
    metrics: Metrics
    turns: Turns
    #: In bytes.
    largest_body: int


Request = StarletteRequest[State]
