"""The buffer between a stream and a server that is slow, away, or refuses."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest

from client import Client, ConvertConfig, Settings
from client.connection import Connection
from client.live.loop import LiveRun
from client.live.sender import Sender
from client.live.sources import PipeSource
from client.pipeline import Pipeline, Result
from converter.deepstream import LiveSegment, LiveSegmenter, TrackId
from scripts.embedded_triton import EmbeddedTriton
from tests.server.client_inputs import document, keypoints
from tests.server.faulty_proxy import UNAVAILABLE, Fault, FaultyProxy, answer
from tests.tiny_network import CLASSES

CONFIG = ConvertConfig()
Delivered = list[tuple[int, str]]


def segment(number: int, frames: int = 20) -> LiveSegment:
    (poses,) = keypoints([number % 6], frames)
    return LiveSegment(number, poses, TrackId("0", "1"), number, number + frames, time.monotonic())


def expected(*numbers: int) -> Delivered:
    return [(number, CLASSES[number % 6]) for number in numbers]


@contextmanager
def sending(
    url: str, deliver: Callable[[LiveSegment, Result], None], limit: int = 100, **settings: Any
) -> Iterator[Sender]:
    chosen = Settings(url, **settings)
    with Client(chosen) as client:
        model = client.model
    with Connection(replace(chosen, deadline=math.inf, in_flight=1)) as connection:
        yield Sender(Pipeline(connection, model), CONFIG, deliver, limit)


def into(delivered: Delivered) -> Callable[[LiveSegment, Result], None]:
    return lambda segment, result: delivered.append((segment.index, result.label))


@pytest.mark.parametrize("model", ["pose_classification_tao", "pose_classification"])
def test_segments_of_any_length_are_answered_in_order(model: str, triton: EmbeddedTriton) -> None:
    delivered: Delivered = []
    with sending(triton.http_url, into(delivered), model=model, batch_size=4) as sender:
        for number in range(40):
            sender.offer(segment(number, frames=10 + number // 7))
        sender.finish(lambda: 30)
    assert delivered == expected(*range(40))
    assert (sender.labelled, sender.dropped, sender.refused, sender.left) == (40, 0, 0, 0)


def test_the_oldest_are_dropped_with_one_warning_while_the_server_is_away(
    triton: EmbeddedTriton, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    away = threading.Event()

    def fault(_: int) -> Fault:
        return UNAVAILABLE if away.is_set() else None

    delivered: Delivered = []
    with (
        FaultyProxy(triton.http_url, fault) as proxy,
        sending(proxy.url, into(delivered), limit=5) as sender,
    ):
        away.set()
        sender.offer(segment(0))
        while proxy.requests < 2:  # segment 0 is under way, not waiting
            time.sleep(0.01)
        start = time.monotonic()
        for number in range(1, 31):
            sender.offer(segment(number))
        assert time.monotonic() - start < 30  # reading goes on
        assert sender.left == 6
        away.clear()
        sender.finish(lambda: 30)
    assert delivered == expected(0, *range(26, 31))
    assert sender.dropped == 25
    texts = [record.getMessage() for record in caplog.records if "sender" in record.name]
    assert texts == [
        "5 segments wait for the server: the oldest are dropped",
        "caught up with the stream; 25 segments were dropped",
    ]


def test_what_the_server_refuses_is_counted_and_passed_over(
    triton: EmbeddedTriton, caplog: pytest.LogCaptureFixture
) -> None:
    faults = {
        1: answer("400 Bad Request", '{"error":"not you"}'),
        3: answer("500 No", '{"error":"no memory"}'),
    }
    delivered: Delivered = []

    def fault(_: int) -> Fault:
        # By segment and not by request: a connection may be lost, and a request sent again.
        return faults.get(len(delivered) + sender.refused)

    with (
        FaultyProxy(triton.http_url, fault) as proxy,
        sending(proxy.url, into(delivered)) as sender,
    ):
        for number in range(6):
            sender.offer(segment(number))
        sender.finish(lambda: 30)
    assert delivered == expected(0, 2, 4, 5)
    assert (sender.refused, sender.left) == (2, 0)
    texts = [record.getMessage() for record in caplog.records]
    outages = ("trying again", "answers again")  # of a connection that was lost meanwhile
    warnings = [text for text in texts if not text.endswith(outages)]
    assert len(warnings) == 2
    assert "not you" in warnings[0]
    assert "no memory" in warnings[1]


def test_every_segment_of_a_refused_request_is_counted(triton: EmbeddedTriton) -> None:
    refusal = answer("400 Bad Request", '{"error":"not you"}')
    delivered: Delivered = []
    with (
        FaultyProxy(triton.http_url, lambda _: refusal) as proxy,
        sending(proxy.url, into(delivered), batch_size=4) as sender,
    ):
        for number in range(12):
            sender.offer(segment(number))
        sender.finish(lambda: 30)
    assert (sender.refused, sender.left, delivered) == (12, 0, [])


def test_a_full_disk_ends_the_run(triton: EmbeddedTriton) -> None:
    def deliver(_: LiveSegment, __: Result) -> None:
        raise OSError(28, "No space left on device")

    with sending(triton.http_url, deliver) as sender:
        sender.offer(segment(0))
        with pytest.raises(OSError, match="No space left"):
            sender.finish(lambda: 30)
        with pytest.raises(OSError, match="No space left"):
            sender.check()


def test_the_end_waits_no_longer_than_patience(triton: EmbeddedTriton) -> None:
    delivered: Delivered = []
    with (
        FaultyProxy(
            triton.http_url, lambda _: UNAVAILABLE if len(delivered) > 1 else None
        ) as proxy,
        sending(proxy.url, into(delivered)) as sender,
    ):
        for number in range(5):
            sender.offer(segment(number))
        while sender.labelled < 2:  # the server may be slow before it is silent
            sender.check()
            time.sleep(0.01)
        start = time.monotonic()
        sender.finish(lambda: 1.0)
        assert 1.0 < time.monotonic() - start < 30
        assert sender.left == 3
    assert delivered == expected(0, 1)


def test_a_source_that_keeps_its_data_waits_for_a_slow_server(
    triton: EmbeddedTriton, tmp_path: Path
) -> None:
    short = replace(CONFIG, sequence_length=10, sequence_length_min=10)
    path = tmp_path / "poses.ndjson"
    path.write_bytes(b"\n".join(map(orjson.dumps, document({1: [4] * 200}))))
    delivered: Delivered = []
    with (
        FaultyProxy(triton.http_url, lambda _: 0.02) as proxy,
        sending(proxy.url, into(delivered), limit=4) as sender,
        path.open("rb") as file,
    ):
        source = PipeSource(file.fileno(), "poses")
        LiveRun(source, LiveSegmenter(short), sender, threading.Event(), short).work(30)
    assert delivered == [(number, "walking") for number in range(39)]
    assert sender.dropped == 0


def test_poses_reach_the_server_as_they_are(triton: EmbeddedTriton) -> None:
    found: list[Result] = []
    with sending(triton.http_url, lambda _, result: found.append(result)) as sender:
        sender.offer(segment(4))
        sender.finish(lambda: 30)
    with Client(Settings(triton.http_url, model="pose_classification")) as client:
        (other,) = client.classify(keypoints([4], 20))
    assert found[0].label == other.label
    assert np.isclose(found[0].score, other.score, atol=1e-4)
