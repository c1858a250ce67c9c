"""The client as a library, and beside an event loop of the caller's."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import orjson
import pytest

from client import Client, ConvertConfig, InputError, ServerError, Settings, annotate, classify
from client.connection import Connection
from client.model import ModelInfo
from client.pipeline import Batch, Pipeline, Result
from client.transport import Request
from scripts.embedded_triton import EmbeddedTriton
from tests.server.client_inputs import actions, clips, document, keypoints
from tests.server.conftest import ENSEMBLE
from tests.server.faulty_proxy import FaultyProxy
from tests.tiny_network import CLASSES, tiny_logits


@pytest.mark.parametrize("batch_size", [1, 5])
def test_classify(batch_size: int, triton: EmbeddedTriton) -> None:
    rng = np.random.default_rng(2)
    array = rng.normal(size=(12, 3, 40, 34, 1)).astype(np.float32)
    results = classify(array, url=triton.http_url, batch_size=batch_size)
    assert [result.index for result in results] == list(range(12))
    for result, logits in zip(results, tiny_logits(array), strict=True):
        order = np.argsort(-logits)
        assert [entry.class_index for entry in result.ranking] == order.tolist()
        assert [entry.label for entry in result.ranking] == [CLASSES[index] for index in order]
        assert [entry.logit for entry in result.ranking] == pytest.approx(logits[order], abs=1e-5)
        assert (result.label, result.class_index) == (CLASSES[order[0]], order[0])
        assert result.score == pytest.approx(np.exp(logits.max()) / np.exp(logits).sum(), rel=1e-4)


def test_both_models_agree(triton: EmbeddedTriton) -> None:
    order = np.random.default_rng(4).integers(0, 6, 30)
    bare = classify(clips(order), url=triton.http_url)
    with Client(Settings(triton.grpc_url, "grpc", model=ENSEMBLE, batch_size=4)) as client:
        raw = list(client.classify(keypoints(order), ConvertConfig()))
    assert [result.label for result in bare] == [result.label for result in raw]
    assert [r.score for r in bare] == pytest.approx([r.score for r in raw], abs=1e-5)


def test_one_connection_for_many_calls(triton: EmbeddedTriton, tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", clips([0, 1]))
    (tmp_path / "a.json").write_bytes(orjson.dumps(document({8: [2] * 20})))
    with Client(Settings(triton.http_url)) as client:
        assert [r.label for r in client.classify(tmp_path / "a.npy")] == list(CLASSES[:2])
        with pytest.raises(InputError, match="array: has V=17"):
            list(client.classify(clips([0])[..., :17, :]))
        summary = client.annotate(tmp_path / "a.json", tmp_path / "b.json", scores=True)
        assert [r.label for r in client.classify([clips([5])[0].tolist()])] == ["jumping"]
    assert (summary.objects, summary.labelled, summary.segments) == (20, 20, 1)
    assert actions(tmp_path / "b.json") == {8: ["sitting"] * 20}


def test_annotate(triton: EmbeddedTriton, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(orjson.dumps(document({8: [2] * 120})))
    summary = annotate(
        tmp_path / "a.json",
        tmp_path / "b.json",
        policy="tao",
        url=triton.grpc_url,
        protocol="grpc",
        streaming=True,
        model=ENSEMBLE,
    )
    assert summary.labelled == 70
    assert actions(tmp_path / "b.json") == {8: [""] * 50 + ["sitting"] * 70}


def test_a_watcher_is_told_how_far_the_work_is(triton: EmbeddedTriton) -> None:
    shares: list[float] = []

    def watch(results: Iterable[Result], share: Callable[[Result], float]) -> Iterator[Result]:
        for result in results:
            shares.append(share(result))
            yield result

    with Client(Settings(triton.http_url), watch) as client:
        assert len(list(client.classify(clips([3] * 4)))) == 4
    assert shares == [0.25, 0.5, 0.75, 1.0]


def test_the_pose_type_is_the_models_where_nobody_chooses(
    triton: EmbeddedTriton, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.json").write_bytes(orjson.dumps(document({8: [2] * 20})))
    with Client(Settings(triton.http_url)) as client:
        client.model = replace(client.model, pose_type="25dbp")
        chosen: list[tuple[str, str]] = []

        def run(batches: Iterable[Batch], convert: ConvertConfig, name: str) -> Iterator[Result]:
            chosen.append((convert.pose_type, name))
            list(batches)
            return iter(())

        monkeypatch.setattr(client._pipeline, "run", run)
        list(client.classify(clips([0])))
        with contextlib.suppress(InputError):  # of poses that the document lacks
            client.annotate(tmp_path / "a.json", tmp_path / "b.json")
        with pytest.raises(InputError, match="trained on 25dbp"):
            client.annotate(tmp_path / "a.json", tmp_path / "b.json", ConvertConfig())
    assert chosen == [("25dbp", "array"), ("25dbp", str(tmp_path / "a.json"))]


def test_inside_an_event_loop(triton: EmbeddedTriton) -> None:
    async def notebook_cell() -> list[str]:
        return [result.label for result in classify(clips([4]), url=triton.http_url)]

    assert asyncio.run(notebook_cell()) == ["walking"]


@pytest.mark.parametrize("streaming", [False, True])
def test_answers_left_unread_are_not_taken_for_later_ones(
    streaming: bool, triton: EmbeddedTriton
) -> None:
    with Client(Settings(triton.grpc_url, "grpc", streaming=streaming)) as client:
        for _ in range(5):
            assert next(client.classify(clips([3] * 100))).label == "standing"
            later = [result.label for result in client.classify(clips([4] * 40))]
            assert later == ["walking"] * 40


@pytest.mark.parametrize("in_flight", [1, 4])
def test_input_is_read_only_as_far_ahead_as_requests_may_be(
    in_flight: int, triton: EmbeddedTriton
) -> None:
    read = 0

    def reading() -> Iterator[Batch]:
        nonlocal read
        for read in range(1, 31):
            yield Batch(read - 1, clips([read % 6]))

    with Connection(Settings(triton.http_url, in_flight=in_flight)) as connection:
        model = ModelInfo.from_server(*connection.describe_model())
        for result in Pipeline(connection, model).run(reading(), ConvertConfig(), "test"):
            assert read <= result.index + in_flight
    assert read == 30


def test_requests_of_an_iteration_that_is_left_are_cancelled(
    triton: EmbeddedTriton, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[Future[Any]] = []
    submit = Connection.submit

    def noting(connection: Connection, request: Request) -> Future[Any]:
        sent.append(submit(connection, request))
        sent[0].result()  # the first has its answer before there are others
        return sent[-1]

    monkeypatch.setattr(Connection, "submit", noting)
    with (
        FaultyProxy(triton.http_url, lambda n: 30.0 if n else None) as proxy,
        Client(Settings(proxy.url, in_flight=4)) as client,
    ):
        results = client.classify(clips([3] * 9))
        assert next(results).label == "standing"
        cast(Generator[Result, None, None], results).close()
        assert [answer.cancelled() for answer in sent] == [False, True, True, True]


def test_a_failed_start_leaves_nothing_running(triton: EmbeddedTriton) -> None:
    before = set(threading.enumerate())  # may end meanwhile: an earlier test's proxy, still waiting
    with pytest.raises(ServerError), Client(Settings(triton.http_url, model="absent")):
        raise AssertionError
    assert set(threading.enumerate()) <= before
