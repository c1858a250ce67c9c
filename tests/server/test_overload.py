"""Overload is answered: what would not fit the queue, or wait too long, is refused."""

from __future__ import annotations

import contextlib
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tritonclient.http
from tritonclient.utils import InferenceServerException

from benchmarks._served import Caller
from scripts.embedded_triton import EmbeddedTriton
from tests.server.conftest import NETWORK, Client, scrape, with_parameters

SHIPPED = Path(__file__).resolve().parents[2] / "model_repository" / NETWORK / "1/model.onnx"
FULL = np.ones((16, 3, 300, 34, 1), np.float32)  # keeps a real network busy for a while


def busy(**limits: int | float) -> Callable[[Path], None]:
    """A real network in place of the tiny one, with other limits of its queue."""

    def edit(repository: Path) -> None:
        shutil.copy(SHIPPED, repository / NETWORK / "1")
        with_parameters(repository, **limits)

    return edit


def hold_back(milliseconds: int, **limits: int | float) -> Callable[[Path], None]:
    """Lets Triton keep requests that long before the network gets them, all at once."""

    def edit(repository: Path) -> None:
        with_parameters(repository, **limits)
        path = repository / NETWORK / "configs/embedded.pbtxt"
        wait = f"max_queue_delay_microseconds: {milliseconds * 1000}"
        batching = f"dynamic_batching {{ preferred_batch_size: [ 16 ] {wait} }}\n"
        path.write_text(path.read_text() + batching)

    return edit


def send(client: Client, count: int) -> list[Any]:
    """Sends `count` requests without waiting; returns results and errors, refusals first."""
    answers: list[Any] = []
    last = threading.Semaphore(0)

    def completed(result: Any, error: Any) -> None:
        answers.append(error or result)
        last.release()

    for _ in range(count):
        client.raw.async_infer(NETWORK, client.inputs(input=FULL), callback=completed)
    for _ in range(count):
        assert last.acquire(timeout=60)
    return answers


def test_past_the_queue_limit_a_request_is_refused_at_once(serve: Callable[..., Any]) -> None:
    _, client = serve(edit=busy(queue_limit=2))
    answers = send(client, 8)
    refused = [answer for answer in answers if isinstance(answer, InferenceServerException)]
    accepted = answers[len(refused) :]
    assert len(accepted) in (3, 4)  # one runs (two, if the first was done by then), two wait
    for error in refused:  # and they were answered first
        assert "xceeds maximum queue size" in str(error)
        assert error.status() == "StatusCode.UNAVAILABLE"
    for answer in accepted:
        assert np.isfinite(answer.as_numpy("fc_pred")).all()


@pytest.mark.parametrize("limit", [0, 1])
def test_a_request_has_to_find_a_place_in_the_queue(limit: int, serve: Callable[..., Any]) -> None:
    _, client = serve(edit=lambda repository: with_parameters(repository, queue_limit=limit))
    clip = np.ones((1, 3, 10, 34, 1), np.float32)
    for _ in range(3):  # whoever has been answered has left it
        if limit:
            client.logits(clip)
        else:
            with pytest.raises(InferenceServerException, match="Exceeds maximum queue size"):
                client.logits(clip)


@contextlib.contextmanager
def kept_busy(server: EmbeddedTriton) -> Iterator[None]:
    """Has three long requests under way all the time."""
    enough = threading.Event()
    with Caller(server.grpc_url, NETWORK, {"input": FULL}) as caller:

        def load() -> None:
            while not enough.is_set():
                caller.keep_busy(3, 1.0)

        loading = threading.Thread(target=load)
        loading.start()
        try:
            yield
        finally:
            enough.set()
            loading.join()


def refusal(call: Callable[[], object]) -> InferenceServerException:
    """The error of a call that meets the load; the first ones may come before it."""
    for _ in range(20):
        try:
            call()
        except InferenceServerException as error:
            return error
    pytest.fail("nothing was refused")


def test_what_waits_too_long_is_refused(serve: Callable[..., Any]) -> None:
    server, _ = serve(edit=busy(queue_seconds=0.02))
    http = Client(tritonclient.http, server.http_url)
    with kept_busy(server):
        error = refusal(lambda: http.logits(FULL))
    assert "timeout expired" in str(error)
    assert error.status() == "503"
    http.raw.close()


def test_a_request_may_be_less_patient(serve: Callable[..., Any]) -> None:
    server, client = serve(edit=busy())
    with kept_busy(server):
        client.logits(FULL)
        inputs = client.inputs(input=FULL)
        error = refusal(lambda: client.raw.infer(NETWORK, inputs, timeout=20_000))
    assert "timeout expired" in str(error)
    assert error.status() == "StatusCode.UNAVAILABLE"


def test_nobody_is_forgotten(triton: EmbeddedTriton) -> None:
    """Triton 2.51 lets requests lie for 0.5 s where its own queue has a limit."""
    before = scrape(triton, "requests")
    clip = np.ones((1, 3, 10, 34, 1), np.float32)
    with Caller(triton.grpc_url, NETWORK, {"input": clip}) as caller:
        for _ in range(5):  # Triton would do it every time, a busy machine does not
            answers = caller.keep_busy(3, 3)
            assert not answers.refused
            # The sleep begins when the queue is empty: some 40 answers in 3 s would take that long.
            slow = sum(seconds > 0.45 for seconds in answers.accepted)
            if slow <= 3 + 0.02 * len(answers.accepted):  # three: one halt of the machine
                break
        else:
            pytest.fail(f"{slow} of {len(answers.accepted)} answers took more than 0.45 s")
    assert scrape(triton, "requests") - before >= len(answers.accepted)


def test_answers_and_refusals_at_the_same_time_harm_nobody(serve: Callable[..., Any]) -> None:
    """Triton's Python backend breaks down where several threads speak to it."""
    server, client = serve(edit=busy(queue_limit=4))
    clip = np.ones((2, 3, 20, 34, 1), np.float32)
    with Caller(server.grpc_url, NETWORK, {"input": clip}) as caller:
        answers = caller.call_at(1500, 2)
    assert answers.accepted
    assert answers.refused
    assert all("Exceeds maximum queue size" in words for words in answers.errors)
    assert np.isfinite(client.logits(clip)).all()
