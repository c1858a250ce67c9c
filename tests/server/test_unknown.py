"""The answer `unknown`: off unless asked for, one more class then."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
import tritonclient.grpc
from tritonclient.utils import InferenceServerException

from client.cli import main
from scripts.embedded_triton import EmbeddedTriton
from tests.server.client_inputs import WAYS, actions, clips, document, flags_of, keypoints
from tests.server.conftest import ENSEMBLE, NETWORK, Client
from tests.server.test_ensemble import recording, repeated
from tests.tiny_network import CLASSES

LEVEL, TEMPERATURE = 1.0, 2.0


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory, make_repository: Callable[..., Path]
) -> Iterator[EmbeddedTriton]:
    folder = tmp_path_factory.mktemp("unknown")
    repository = make_repository(folder, temperature=TEMPERATURE, unknown_logit=LEVEL)
    with EmbeddedTriton(repository, log=folder / "triton.log") as server:
        yield server


@pytest.fixture
def caller(server: EmbeddedTriton) -> Iterator[Client]:
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


def test_a_class_that_reaches_its_logit_goes_before_it(caller: Client) -> None:
    logits = np.full((1, 6), -5, np.float32)
    logits[0, 2] = LEVEL
    unknown = asked(True, 1)
    answer = caller.infer("pose_classification_postprocess", fc_pred=logits, unknown=unknown)
    assert answer.as_numpy("label")[0, :2].tolist() == [CLASSES[2].encode(), b"unknown"]


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
    with pytest.raises(InferenceServerException, match="has no unknown_logit") as error:
        client.infer(ENSEMBLE, keypoints=recording(2), unknown=asked(True, 2))
    assert error.value.status() in ("400", "StatusCode.INVALID_ARGUMENT")


@pytest.mark.parametrize("way", WAYS)
def test_lines_of_the_client(way: str, server: EmbeddedTriton, tmp_path: Path) -> None:
    poses = keypoints([0, 0])
    poses[1, :, 1:, :3] = poses[1, :, :1, :3]  # all joints in one place: the network's bias
    np.save(tmp_path / "a.npy", poses)
    words = [str(tmp_path / "a.npy"), "-m", ENSEMBLE, "--output_path", str(tmp_path), "-b", "2"]
    assert main([*words, *flags_of(way, server)]) == 0
    plain = (tmp_path / "results.txt").read_text().splitlines()
    assert main([*words, "--unknown", *flags_of(way, server)]) == 0
    entries = [line.split(", ") for line in (tmp_path / "results.txt").read_text().splitlines()]
    assert [entry[1] for entry in entries] == ["13.5000(0)=sitting_down", "1.0000(6)=unknown"]
    for entry, line in zip(entries, plain, strict=True):
        entry.remove("1.0000(6)=unknown")
        assert ", ".join(entry) == line


def test_documents_of_the_client(server: EmbeddedTriton, tmp_path: Path) -> None:
    records = document({7: [0] * 20, 8: [1] * 20})
    for record in records:
        person = record["batches"][0]["objects"][1]
        person["pose3d"] = person["pose3d"][:4] * 34
    path, results = tmp_path / "a.json", tmp_path / "results.json"
    path.write_bytes(orjson.dumps(records))
    words = [str(path), "-m", ENSEMBLE, "--output_path", str(tmp_path), "-u", server.http_url]
    assert main([*words, "--scores"]) == 0
    assert "unknown" not in results.read_text()
    assert main([*words, "--unknown", "--scores"]) == 0
    assert actions(results) == {7: ["sitting_down"] * 20, 8: ["unknown"] * 20}
    objects = orjson.loads(results.read_bytes())[0]["batches"][0]["objects"]
    powers = np.exp([0.5 / 2, -0.25 / 2, 0.125 / 2, 0.0, -0.5 / 2, 0.25 / 2, LEVEL / 2])
    assert objects[1]["action_score"] == pytest.approx(powers[6] / powers.sum(), abs=1e-4)


@pytest.mark.parametrize(
    ("model", "maker", "message"),
    [
        (NETWORK, clips, "has no such answer: choose an ensemble with -m"),
        (ENSEMBLE, keypoints, "the network cannot tell unknown"),
    ],
)
def test_who_cannot_tell_is_named_in_one_line(
    model: str,
    maker: Callable[..., Any],
    message: str,
    triton: EmbeddedTriton,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    np.save(tmp_path / "a.npy", maker([0]))
    words = [str(tmp_path / "a.npy"), "-m", model, "--output_path", str(tmp_path), "--unknown"]
    assert main([*words, "-u", triton.http_url]) == 2
    assert message in capfd.readouterr().err.splitlines()[-1]
    assert not (tmp_path / "results.txt").exists()
