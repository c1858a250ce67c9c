"""Triton over gRPC: one call a request, or all requests over one stream."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncIterator
from typing import Any, TypeAlias

import grpc  # type: ignore[import-untyped]  # grpcio ships no types
import tritonclient.grpc
import tritonclient.grpc.aio
from tritonclient.utils import InferenceServerException

from client.errors import ServerError, Unavailable
from client.settings import Settings
from client.transport import Request, Transport
from converter import InputError

log = logging.getLogger(__name__)

RETRIED_STATUS = {
    f"StatusCode.{name}" for name in ("UNAVAILABLE", "DEADLINE_EXCEEDED", "CANCELLED")
}
REQUEST_ID = re.compile(r"\[request id: (.*?)\]")  # how Triton begins what concerns one request
Requests: TypeAlias = "asyncio.Queue[dict[str, Any] | None]"  # None: no more
CHANNEL_OPTIONS = [
    ("grpc.max_receive_message_length", tritonclient.grpc.MAX_GRPC_MESSAGE_SIZE),
    # gRPC would wait up to two minutes before it looks for a restarted server again.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
    # It would send even what is for this machine through the environment's proxy; HTTP does not.
    ("grpc.enable_http_proxy", 0),
]


class GrpcTransport(Transport):
    """See `Transport`; all calls share one channel."""

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
        """See `Transport.translate`."""
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
    """All requests over one bidirectional stream, which is opened again after it breaks.

    A stream tells what goes wrong without the status that tells "try again" from "wrong": as bare
    text for one request, or as its own end. A request without an answer is therefore sent once
    more by a call of its own, which does tell.
    """

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._requests: Requests | None = None
        self._waiting: dict[str, asyncio.Future[Any]] = {}
        self._reader: asyncio.Task[None] | None = None

    async def infer(self, request: Request) -> Any:
        """See `Transport.infer`."""
        if self._requests is None:
            self._requests = asyncio.Queue()
            self._reader = asyncio.create_task(self._read(self._requests))
        waiting = self._waiting[request.id] = asyncio.get_running_loop().create_future()
        self._requests.put_nowait(self.arguments(request))
        try:
            answer = await waiting
        finally:
            self._waiting.pop(request.id, None)
        return await super().infer(request) if answer is None else answer

    async def _read(self, requests: Requests) -> None:
        """Hand out the answers of one stream until it ends."""
        answers = self._client.stream_infer(_drain(requests))
        try:
            async for result, error in answers:
                if error is None:
                    self._hand_out(result.get_response().id, result)
                else:
                    named = REQUEST_ID.search(error.message())
                    for name in [named[1]] if named else list(self._waiting):
                        self._hand_out(name, None)
        except grpc.RpcError as error:
            log.debug("%s: the stream ended: %s", self.settings.url, error)
        finally:
            answers.cancel()
            requests.put_nowait(None)  # else its reader waits for ever, and is complained of
            self._requests = None
            for name in list(self._waiting):
                self._hand_out(name, None)

    def _hand_out(self, name: str, answer: Any) -> None:
        waiting = self._waiting.get(name)
        if waiting is not None and not waiting.done():  # else it has timed out in the meantime
            waiting.set_result(answer)


async def _drain(requests: Requests) -> AsyncIterator[dict[str, Any]]:
    while (request := await requests.get()) is not None:
        yield request
