"""Server-sent events: that something changed, never what; whoever hears it asks for what is behind its position.

A message holds revision and position.  A reader that was away, or whose server was started anew, hears the present
ones first, so that nothing is missed however long it was gone.
"""

from __future__ import annotations

import asyncio
import queue
from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from rahdari.operate.app import App

LEAST_PAUSE_S = 0.25  # a storm makes no more messages than a page can draw
ALIVE_S = 15.0
POLL_S = 0.05
LONGEST_S = 600.0  # then the browser comes again, and is asked again who it is
RETRY_MS = 1_000


def message(app: App) -> bytes:
    """Return the present revision and position as one message."""
    body = orjson.dumps({"revision": app.revision, "position": app.position, "now_s": app.clock.now_s()}).decode()
    return f"id: {app.position}\nevent: change\ndata: {body}\n\n".encode()


async def changes(app: App, is_gone: Callable[[], Awaitable[bool]]) -> AsyncIterator[bytes]:
    """Yield a message now, one after each change, and a comment where nothing changes, until the reader is gone."""
    waiting: queue.Queue[int] = queue.Queue(maxsize=1)
    end = app.subscribe(waiting)
    loop = asyncio.get_running_loop()
    try:
        yield f"retry: {RETRY_MS}\n\n".encode()
        yield message(app)
        last_s = loop.time()
        end_s = last_s + LONGEST_S
        while app.is_running and loop.time() < end_s and not await is_gone():
            await asyncio.sleep(POLL_S)
            quiet_s = loop.time() - last_s
            if not waiting.empty() and quiet_s >= LEAST_PAUSE_S:
                waiting.get_nowait()
                yield message(app)
            elif quiet_s >= ALIVE_S:
                yield b": alive\n\n"
            else:
                continue
            last_s = loop.time()
    finally:
        end()


__all__ = ["changes", "message"]
