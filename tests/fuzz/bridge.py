"""The application in a thread with a loop of its own, to be asked from tests that have none."""

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

from starlette.types import ASGIApp, Message, Receive, Scope, Send

Answer = TypeVar("Answer")


class Thread:
    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name="application", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, Answer]) -> Answer:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(60)

    def stop(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(10)
        self.loop.close()


def bridged(app: ASGIApp, thread: Thread) -> ASGIApp:
    """The same application, callable from any other loop: a request goes over whole, and so does the answer."""

    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await live(receive, send)
            return
        incoming: list[Message] = []
        while not incoming or incoming[-1].get("more_body"):
            incoming.append(await receive())
        outgoing: list[Message] = []

        async def there() -> None:
            left = iter(incoming)

            async def take() -> Message:
                return next(left, {"type": "http.disconnect"})

            async def give(message: Message) -> None:
                outgoing.append(message)

            await app(scope, take, give)

        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(there(), thread.loop))
        for message in outgoing:
            await send(message)

    return call


async def live(receive: Receive, send: Send) -> None:
    """Whoever starts the application's loop starts and stops the application too."""
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
