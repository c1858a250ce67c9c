"""Errors of HTTP by whether to try again, and what is said of them."""

from __future__ import annotations

import asyncio
import ssl
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
from tritonclient.utils import InferenceServerException

from client import InputError, ServerError, Settings
from client.errors import Unavailable
from client.transport_http import HttpTransport

KEY: Any = SimpleNamespace(host="localhost", port=8000, is_ssl=True, ssl=True)
REQUEST: Any = SimpleNamespace(real_url="http://localhost:8000/v2")


def translated(error: Exception) -> Exception:
    async def use() -> Exception:
        transport = HttpTransport(Settings())
        try:
            return transport.translate(error)
        finally:
            await transport.close()

    return asyncio.run(use())


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("400", InputError),
        ("404", ServerError),
        ("429", Unavailable),
        ("500", ServerError),
        ("502", Unavailable),
        ("503", Unavailable),
        ("504", Unavailable),
    ],
)
def test_a_status_says_whether_trying_again_can_help(status: str, kind: type[Exception]) -> None:
    error = translated(InferenceServerException("out of\nmemory", status=status))
    assert type(error) is kind
    assert str(error) == f"localhost:8000: HTTP {status}: out of memory"


def test_an_answer_that_is_not_tritons_is_shown_in_short() -> None:
    page = "<html>" + 999 * "x"
    error = translated(InferenceServerException("no JSON", status="500", debug_details=page))
    assert str(error) == f"localhost:8000: HTTP 500: {page[:200]}"


@pytest.mark.parametrize(
    ("error", "kind", "told"),
    [
        (
            aiohttp.ClientConnectorSSLError(KEY, ssl.SSLError(1, "wrong version")),
            ServerError,
            "is it a TLS port, and --ssl-ca its certificate?",
        ),
        (
            aiohttp.ClientConnectorError(KEY, OSError(111, "Connection refused")),
            Unavailable,
            "localhost:8000: Connection refused",
        ),
        (aiohttp.ClientConnectorError(KEY, OSError("?")), Unavailable, "8000: cannot connect"),
        (aiohttp.ClientResponseError(REQUEST, ()), ServerError, "does not speak HTTP"),
        (aiohttp.ServerDisconnectedError(), Unavailable, "8000: Server disconnected"),
        (asyncio.TimeoutError(), Unavailable, "localhost:8000: TimeoutError"),
        (ConnectionResetError(104, "reset"), Unavailable, "reset"),
        (ValueError("no JSON"), ServerError, "does not answer as Triton does"),
    ],
)
def test_an_error_of_the_connection(error: Exception, kind: type[Exception], told: str) -> None:
    found = translated(error)
    assert type(found) is kind
    assert told in str(found)


def test_a_fault_of_our_own_stays_what_it_is() -> None:
    fault = AttributeError("no such thing")
    assert translated(fault) is fault
