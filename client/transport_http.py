"""Triton over HTTP/REST with binary tensors."""

from __future__ import annotations

import asyncio

import aiohttp
import tritonclient.http
import tritonclient.http.aio
from tritonclient.utils import InferenceServerException

from client.errors import ServerError, Unavailable
from client.settings import Settings
from client.transport import Transport
from converter import InputError

# 503 is Triton's own; the others come from a gateway.
RETRIED_STATUS = {"429", "502", "503", "504"}
LONGEST_BODY = 200  # of an answer that is not Triton's, as far as it is shown


class HttpTransport(Transport):
    """See `Transport`; connections are kept alive and reused."""

    def __init__(self, settings: Settings) -> None:
        client = tritonclient.http.aio.InferenceServerClient(
            settings.url,
            conn_limit=0,  # requests in flight are bounded by the pipeline
            conn_timeout=None,  # and timed by the connection
            ssl=settings.tls is not None,
            ssl_context=True if settings.tls is None else settings.tls.context(),
        )
        super().__init__(settings, tritonclient.http, client, as_json={})

    def translate(self, error: Exception) -> Exception:
        """See `Transport.translate`."""
        where = self.settings.url
        if isinstance(error, InferenceServerException):
            foreign = error.debug_details()  # a body that is not Triton's JSON
            said = error.message() if foreign is None else foreign[:LONGEST_BODY]
            message = f"{where}: HTTP {error.status()}: {' '.join(said.split())}"
            if error.status() == "400":
                return InputError(message)
            retry = error.status() in RETRIED_STATUS
            return Unavailable(message) if retry else ServerError(message)
        if isinstance(error, aiohttp.ClientSSLError):
            return ServerError(f"{where}: {error}; is it a TLS port, and --ssl-ca its certificate?")
        if isinstance(error, aiohttp.ClientConnectorError):
            return Unavailable(f"{where}: {error.os_error.strerror or 'cannot connect'}")
        if isinstance(error, aiohttp.ClientResponseError):
            return ServerError(f"{where} does not speak HTTP: for its gRPC port use -i grpc")
        if isinstance(error, aiohttp.ClientError | asyncio.TimeoutError | OSError):
            return Unavailable(f"{where}: {str(error) or type(error).__name__}")
        if isinstance(error, ValueError):  # no JSON
            return self.stranger()
        return error
