"""A stream of requests that breaks: nothing is left of it that waits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from client import Settings
from client.transport import Request
from client.transport_grpc import StreamTransport


class Broken:
    """A client, and its stream, which takes one request and ends without an answer."""

    def stream_infer(self, requests: AsyncIterator[dict[str, Any]]) -> Broken:
        self.reader = asyncio.ensure_future(self.read(requests))
        return self

    async def read(self, requests: AsyncIterator[dict[str, Any]]) -> list[str]:
        return [request["request_id"] async for request in requests]

    def __aiter__(self) -> Broken:
        return self

    async def __anext__(self) -> None:
        raise StopAsyncIteration

    def cancel(self) -> None:
        pass

    async def infer(self, **arguments: Any) -> str:
        return f"{arguments['request_id']} by a call of its own"


def test_whoever_reads_the_requests_of_a_broken_stream_ends() -> None:
    async def use() -> None:
        transport = StreamTransport(Settings(protocol="grpc", streaming=True))
        await transport.close()
        transport._client = broken = Broken()
        assert await transport.infer(Request("7", {}, {})) == "7 by a call of its own"
        for _ in range(9):  # turns of the loop
            await asyncio.sleep(0)
        assert broken.reader.done()
        assert broken.reader.result() == ["7"]

    asyncio.run(use())
