"""The answer `unknown`: off unless asked for, one more class then."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tritonclient.grpc
from tritonclient.utils import InferenceServerException

from scripts.embedded_triton import EmbeddedTriton
from tests.server.conftest import ENSEMBLE, Client
from tests.server.test_ensemble import recording, repeated
from tests.tiny_network import CLASSES

LEVEL, TEMPERATURE = 1.0, 2.0


@pytest.fixture(scope="module")
def caller(
    tmp_path_factory: pytest.TempPathFactory, make_repository: Callable[..., Path]
) -> Iterator[Client]:
    folder = tmp_path_factory.mktemp("unknown")
    repository = make_repository(folder, temperature=TEMPERATURE, unknown_logit=LEVEL)
    with EmbeddedTriton(repository, log=folder / "triton.log") as server:
        client = Client(tritonclient.grpc, server.grpc_url)
        yield client
        client.raw.close()


def asked(value: bool, n: int) -> Any:
    return repeated(value, n, np.bool_)


def test_off_it_changes_nothing(caller: Client) -> None:
    keypoints = recording(5)
    plain = caller.infer(ENSEMBLE, keypoints=keypoints)
    off = caller.infer(ENSEMBLE, keypoints=keypoints, unknown=asked(False, 5))
    for name in ("label", "score", "logits"):
        assert plain.as_numpy(name).shape == (5, 6)
        np.testing.assert_array_equal(plain.as_numpy(name), off.as_numpy(name))
    assert b"unknown" not in plain.as_numpy("label")
    np.testing.assert_array_equal(plain.as_numpy("unknown_logit"), np.full((5, 1), LEVEL))


def test_on_it_is_a_class_with_a_logit_of_its_own(caller: Client) -> None:
    keypoints = np.concatenate([recording(1, seed=seed) * (0.2 + seed) for seed in range(8)])
    keypoints[..., 3] = 1
    answer = caller.infer(ENSEMBLE, keypoints=keypoints, unknown=asked(True, 8))
    logits = answer.as_numpy("logits")
    seven = np.concatenate([logits, np.full((8, 1), LEVEL, np.float32)], axis=1)
    order = np.argsort(-seven, axis=1)
    names = [*CLASSES, "unknown"]
    assert answer.as_numpy("label").tolist() == [[names[i].encode() for i in row] for row in order]
    powers = np.exp(np.take_along_axis(seven, order, axis=1) / TEMPERATURE)
    expected = powers / powers.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(answer.as_numpy("score"), expected, rtol=1e-5)
    first = [row[0] for row in answer.as_numpy("label")]
    assert [name == b"unknown" for name in first] == (logits.max(axis=1) < LEVEL).tolist()
    assert 0 < first.count(b"unknown") < 8


def test_requests_with_and_without_it_go_together(caller: Client) -> None:
    keypoints = recording(3)

    def ask(index: int) -> tuple[int, ...]:
        more = {"unknown": asked(index % 4 == 1, 3)} if index % 2 else {}
        answer = caller.infer(ENSEMBLE, keypoints=keypoints, **more)
        return tuple(answer.as_numpy("score").shape)

    with ThreadPoolExecutor(16) as pool:
        shapes = list(pool.map(ask, range(64)))
    assert shapes == [(3, 7 if index % 4 == 1 else 6) for index in range(64)]


def test_one_request_asks_for_all_its_sequences(caller: Client) -> None:
    mixed = np.array([[True], [False]])
    with pytest.raises(InferenceServerException, match="unknown differs between the sequences"):
        caller.infer(ENSEMBLE, keypoints=recording(2), unknown=mixed)


def test_a_network_that_cannot_tell_says_so(client: Client) -> None:
    answer = client.infer(ENSEMBLE, keypoints=recording(2))
    assert np.isnan(answer.as_numpy("unknown_logit")).all()
    with pytest.raises(InferenceServerException, match="model.json has no unknown_logit") as error:
        client.infer(ENSEMBLE, keypoints=recording(2), unknown=asked(True, 2))
    assert error.value.status() in ("400", "StatusCode.INVALID_ARGUMENT")
