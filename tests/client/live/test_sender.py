"""When a sender waits, for how long, and what it counts."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError

import numpy as np
import pytest

from client import ConvertConfig, ServerError
from client.live.sender import Sender
from client.pipeline import Batch, Ranked, Result
from converter.deepstream import LiveSegment, TrackId
from tests.client.models import NETWORK


def segment(number: int) -> LiveSegment:
    return LiveSegment(number, np.ones((20, 34, 4), np.float32), TrackId("0", "1"), 0, 20, 0.0)


class Answers:
    """A pipeline: what `answer` does comes before every result."""

    model = NETWORK
    size = 2

    def __init__(self, answer: Callable[[], object] = lambda: None) -> None:
        self.answer = answer
        self.indices: list[int] = []

    def run(self, batches: Iterable[Batch], _: ConvertConfig, __: str) -> Iterator[Result]:
        for batch in batches:
            for row in range(len(batch.data)):
                self.answer()
                self.indices.append(batch.first + row)
                yield Result(batch.first + row, (Ranked(1.0, 0, "a"),), 1.0)


def sending(answers: Answers, limit: int = 100) -> Sender:
    return Sender(answers, ConvertConfig(), lambda *_: None, limit)  # type: ignore[arg-type]


def test_the_end_of_a_stream_that_is_silent_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waits = threading.Event()

    class Condition(threading.Condition):
        def wait(self, timeout: float | None = None) -> bool:
            waits.set()
            return super().wait(timeout)

    monkeypatch.setattr("client.live.sender.threading.Condition", Condition)
    sender = sending(Answers())
    assert waits.wait(30)
    sender.finish(lambda: 5.0)
    assert not sender._thread.is_alive()


@pytest.mark.parametrize("refused", [False, True])
def test_only_silence_of_the_server_counts_at_the_end(
    monkeypatch: pytest.MonkeyPatch, refused: bool
) -> None:
    clock, asked = [0.0], threading.Semaphore(0)

    def answer() -> None:
        assert asked.acquire(timeout=30)  # whoever waits has looked at the clock
        clock[0] += 10
        if refused:
            raise ServerError("not you")

    def patience() -> float:
        asked.release()
        return 15.0

    monkeypatch.setattr("client.live.sender.time.monotonic", lambda: clock[0])
    sender = sending(Answers(answer))
    clock[0] = 100  # before, the stream was silent
    for number in range(10):
        sender.offer(segment(number))
    sender.finish(patience)
    assert (sender.left, sender.labelled + sender.refused) == (0, 10)


def test_sequences_are_numbered_over_all_requests() -> None:
    answers = Answers()
    sender = sending(answers)
    for number in range(5):
        sender.offer(segment(number))
    sender.finish(lambda: 30)
    assert answers.indices == [0, 1, 2, 3, 4]


def test_a_connection_that_was_closed_is_no_failure() -> None:
    def answer() -> None:
        raise CancelledError

    sender = sending(Answers(answer))
    sender.offer(segment(0))
    sender.finish(lambda: 30)
    assert (sender.left, sender.labelled, sender.refused) == (1, 0, 0)


def test_half_a_buffer_is_busy() -> None:
    go_on = threading.Event()
    sender = sending(Answers(lambda: go_on.wait(30)), limit=6)
    sender._under_way.extend(map(segment, range(2)))  # the next request is full
    busy = []
    for number in range(3):
        sender.offer(segment(number))
        busy.append(sender.is_busy)
    go_on.set()
    sender.finish(lambda: 30)
    assert busy == [False, False, True]
