"""Overload is answered: what would not fit the queue, or wait too long, is refused."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tritonclient.http
from tritonclient.utils import InferenceServerException

from tests.server.conftest import NETWORK, Client
from tests.tiny_network import tiny_logits


def hold_back(milliseconds: int, **policy: int) -> Callable[[Path], None]:
    """Lets the queue wait that long for a full batch, so that what it does can be watched."""

    def edit(repository: Path) -> None:
        path = repository / NETWORK / "configs/embedded.pbtxt"
        text = path.read_text().replace(
            "dynamic_batching {",
            "dynamic_batching { preferred_batch_size: [ 16 ]"
            f" max_queue_delay_microseconds: {milliseconds * 1000}",
        )
        for key, value in policy.items():
            before, _, after = text.partition(f"{key}: ")
            text = f"{before}{key}: {value}\n{after.partition(chr(10))[2]}"
        path.write_text(text)

    return edit


def send(client: Client, x: Any, count: int) -> list[Any]:
    """Sends `count` requests without waiting; returns results and errors, refusals first."""
    answers: list[Any] = []
    last = threading.Semaphore(0)

    def completed(result: Any, error: Any) -> None:
        answers.append(error or result)
        last.release()

    for _ in range(count):
        client.raw.async_infer(NETWORK, client.inputs(input=x), callback=completed)
    for _ in range(count):
        assert last.acquire(timeout=30)
    return answers


def test_past_the_queue_limit_a_request_is_refused_at_once(serve: Callable[..., Any]) -> None:
    _, client = serve(edit=hold_back(1500, max_queue_size=3))
    x = np.ones((1, 3, 10, 34, 1), np.float32)
    answers = send(client, x, 8)
    refused, accepted = answers[:5], answers[5:]
    for error in refused:
        assert "xceeds maximum queue size" in str(error)
        assert error.status() == "StatusCode.UNAVAILABLE"
    for answer in accepted:
        np.testing.assert_allclose(answer.as_numpy("fc_pred"), tiny_logits(x), atol=1e-5)


def test_what_waits_too_long_is_refused(serve: Callable[..., Any]) -> None:
    server, client = serve(edit=hold_back(1500, default_timeout_microseconds=100_000))
    x = np.ones((1, 3, 10, 34, 1), np.float32)
    (error,) = send(client, x, 1)
    assert "timeout expired" in str(error)
    assert error.status() == "StatusCode.UNAVAILABLE"
    http = Client(tritonclient.http, server.http_url)
    with pytest.raises(InferenceServerException, match="timeout expired") as refused:
        http.logits(x)
    assert refused.value.status() == "503"
    http.raw.close()
