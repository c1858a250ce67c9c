"""Triton over gRPC: one call a request, or all requests over one stream."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc  # type: ignore[import-untyped]  # grpcio ships no types
import tritonclient.grpc
import tritonclient.grpc.aio
from tritonclient.utils import InferenceServerException

from client.errors import ServerError, Unavailable
from client.settings import Settings
from client.transport import Request, Transport
from converter import InputError

RETRIED_STATUS = {
    f"StatusCode.{name}" for name in ("UNAVAILABLE", "DEADLINE_EXCEEDED", "CANCELLED")
}
CHANNEL_OPTIONS = [
    ("grpc.max_send_message_length", tritonclient.grpc.MAX_GRPC_MESSAGE_SIZE),
    ("grpc.max_receive_message_length", tritonclient.grpc.MAX_GRPC_MESSAGE_SIZE),
    # gRPC would wait up to two minutes before it looks for a restarted server again.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
]


class GrpcTransport(Transport):
    """See ``Transport``; all calls share one channel."""

    def __init__(self, settings: Settings) -> None:
        tls = settings.tls
        client = tritonclient.grpc.aio.InferenceServerClient(
            settings.url,
            ssl=tls is not None,
            root_certificates=tls and tls.ca,
            private_key=tls and tls.key,
            certificate_chain=tls and tls.certificate,
            channel_args=CHANNEL_OPTIONS,
        )
        super().__init__(settings, tritonclient.grpc, client, as_json={"as_json": True})

    def translate(self, error: Exception) -> Exception:
        """See ``Transport.translate``."""
        if isinstance(error, grpc.aio.AioRpcError):
            status, message = str(error.code()), error.details() or ""
        elif isinstance(error, InferenceServerException):
            status, message = str(error.status()), error.message()
        else:
            return error
        message = f"{self.settings.url}: {' '.join(message.split())}"
        if "http1" in message:
            return ServerError(f"{self.settings.url} speaks HTTP, not gRPC: use -i http")
        if "SSL" in message or "certificate" in message.lower():
            return ServerError(f"{message}; is it a TLS port, and --ssl-ca its certificate?")
        if status == "StatusCode.INVALID_ARGUMENT":
            return InputError(message)
        return Unavailable(message) if status in RETRIED_STATUS else ServerError(message)


class StreamTransport(GrpcTransport):
    """All requests over one bidirectional stream, which is opened again after it breaks."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._requests: asyncio.Queue[dict[str, Any]] | None = None
        self._waiting: dict[str, asyncio.Future[Any]] = {}
        self._reader: asyncio.Task[None] | None = None

    async def infer(self, request: Request) -> Any:
        """See ``Transport.infer``."""
        if self._requests is None:
            self._requests = asyncio.Queue()
            self._reader = asyncio.create_task(self._read(self._requests))
        answer = asyncio.get_running_loop().create_future()
        self._waiting[request.id] = answer
        self._requests.put_nowait(self.arguments(request))
        try:
            return await answer
        finally:
            self._waiting.pop(request.id, None)

    async def _read(self, requests: asyncio.Queue[dict[str, Any]]) -> None:
        """Hand out the answers of one stream until it ends, then fail what still waits."""
        try:
            # The header makes the server end the stream with a true status code; without it an
            # error on a stream is bare text, and "try again" cannot be told from "wrong".
            answers = self._client.stream_infer(
                _drain(requests), headers={"triton_grpc_error": "true"}
            )
            async for result, error in answers:
                if error is not None:
                    raise error
                waiting = self._waiting.get(result.get_response().id)
                if waiting is not None and not waiting.done():
                    waiting.set_result(result)
            failure: Exception = Unavailable(f"{self.settings.url}: the stream was closed")
        except (grpc.RpcError, InferenceServerException) as error:
            failure = self.translate(error)
        self._requests = None
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(failure)


async def _drain(requests: asyncio.Queue[dict[str, Any]]) -> AsyncIterator[dict[str, Any]]:
    while True:
        yield await requests.get()
