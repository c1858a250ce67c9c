"""Errors by whether to try again; a stream that breaks leaves nothing that waits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from grpc import StatusCode
from grpc.aio import AioRpcError, Metadata
from tritonclient.utils import InferenceServerException

from client import InputError, ServerError, Settings
from client.errors import Unavailable
from client.transport import Request
from client.transport_grpc import GrpcTransport, StreamTransport


@pytest.mark.parametrize(
    ("status", "words", "kind", "told"),
    [
        ("UNAVAILABLE", "queue\nis full", Unavailable, "localhost:8001: queue is full"),
        ("DEADLINE_EXCEEDED", "too slow", Unavailable, "too slow"),
        ("CANCELLED", "by a proxy", Unavailable, "by a proxy"),
        ("RESOURCE_EXHAUSTED", "too large", ServerError, "too large"),
        ("INTERNAL", "no memory", ServerError, "no memory"),
        ("INVALID_ARGUMENT", "301 frames", InputError, "301 frames"),
        ("UNAVAILABLE", "SSL_ERROR_SSL: wrong version", ServerError, "is it a TLS port"),
        ("UNAVAILABLE", "Certificate verify failed", ServerError, "is it a TLS port"),
        ("UNAVAILABLE", "connect an http1.x server", ServerError, "use -i http"),
    ],
)
def test_an_error_says_whether_trying_again_can_help(
    status: str, words: str, kind: type[Exception], told: str
) -> None:
    async def use() -> None:
        transport = GrpcTransport(Settings(protocol="grpc"))
        await transport.close()
        for error in (
            InferenceServerException(words, status=f"StatusCode.{status}"),
            AioRpcError(StatusCode[status], Metadata(), Metadata(), words),
        ):
            translated = transport.translate(error)
            assert type(translated) is kind
            assert told in str(translated)

    asyncio.run(use())


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
        self.cancelled = True

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
        assert broken.cancelled
        assert not transport._waiting
        assert broken.reader.done()
        assert broken.reader.result() == ["7"]

    asyncio.run(use())
