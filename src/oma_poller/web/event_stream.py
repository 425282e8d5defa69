"""The reply that never ends: a reader's chunks, as fast as it takes them."""

import asyncio
from collections.abc import Collection
from contextlib import aclosing

from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from oma_poller.web.connection import ABORT
from oma_poller.web.event_hub import Hub

_END: Message = {"type": "http.response.body", "body": b"", "more_body": False}


class EventStream(Response):
    """Server-sent events for one reader. It ends when the reader goes, is too slow, or the program ends.

    One task a reader, and one that waits for its going.
    """

    media_type = "text/event-stream"

    def __init__(self, hub: Hub, last_event_id: str | None, job_ids: Collection[str]) -> None:
        self._hub = hub
        self._last_event_id = last_event_id
        self._job_ids = job_ids
        super().__init__(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        self.raw_headers = [header for header in self.raw_headers if header[0] != b"content-length"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the reader to its end."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        if scope["method"] == "HEAD":
            await send(_END)
        else:
            await self._serve(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve until an end; a reader that takes nothing is cut off."""
        sending = asyncio.ensure_future(self._send_all(send))
        going = asyncio.ensure_future(_gone(receive))
        self._hub.sending.add(sending)
        try:
            await asyncio.wait((sending, going), return_when=asyncio.FIRST_COMPLETED)
            if not (
                sending.cancelled() or (sending.done() and isinstance(sending.exception(), TimeoutError))
            ):
                if sending.done():
                    sending.result()  # a defect goes to whoever logs it
                return
            abort = scope.get(ABORT)
            if abort is not None:  # closing would wait for the reader to take what is there
                abort()
                await going
        finally:
            self._hub.sending.discard(sending)
            sending.cancel()
            going.cancel()
            await asyncio.gather(sending, going, return_exceptions=True)

    async def _send_all(self, send: Send) -> None:
        slowest_s = self._hub.pace.slowest_reader_s
        async with aclosing(self._hub.chunks(self._last_event_id, self._job_ids)) as chunks:
            async for chunk in chunks:
                async with asyncio.timeout(slowest_s):
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
        async with asyncio.timeout(slowest_s):
            await send(_END)


async def _gone(receive: Receive) -> None:
    """Return once the reader has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass
