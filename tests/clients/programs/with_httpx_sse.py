"""httpx-sse does not come back by itself; a program that uses it asks again from the last id.

with_httpx_sse.py ADDRESS
"""

from __future__ import annotations

import sys
import time

import httpx
from httpx_sse import connect_sse


def read(address: str) -> None:
    """Writes each event's data on a line, and comes back when the stream has said."""
    last_event_id, pause = "", 0.2
    with httpx.Client(timeout=60) as client:
        while True:
            headers = {"Last-Event-ID": last_event_id} if last_event_id else {}
            try:
                with connect_sse(client, "GET", address, headers=headers) as source:
                    for event in source.iter_sse():
                        last_event_id = event.id
                        pause = pause if event.retry is None else event.retry / 1000
                        sys.stdout.write(f"data: {event.data}\n")
                        sys.stdout.flush()
            except httpx.TransportError:
                pass
            time.sleep(pause)


if __name__ == "__main__":
    read(sys.argv[1])
