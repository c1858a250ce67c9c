"""The ensemble `bodypose` on a live Triton, its network put there by `bpnet export --triton`."""

from __future__ import annotations

import json
import runpy
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
import tritonclient.grpc
import tritonclient.http
from tritonclient.utils import InferenceServerException

from scripts.embedded_triton import EmbeddedTriton
from tests.server.conftest import Client, executions, url_of
from tests.training.bpnet.taught import SIDE, photo, taught_repository
from training.bpnet.cli import main

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Served:
    """A server, the network it serves, and photos."""

    server: EmbeddedTriton
    model: Path
    photos: Path


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("bodypose")
    repository, model = taught_repository(folder)
    photos = folder / "photos"
    photos.mkdir()
    save(photos / "two.png", photo()[0])
    save(photos / "wide.png", np.pad(photo()[0], ((20, 0), (40, 100), (0, 0)), "edge"))
    save(photos / "nobody.png", np.full((50, 70, 3), 40, np.uint8))
    save(photos / "two.jpg", cv2.resize(photo()[0], (301, 299), interpolation=cv2.INTER_CUBIC))
    with EmbeddedTriton(repository, log=folder / "triton.log") as server:
        yield Served(server, model, photos)


def save(path: Path, image: np.ndarray) -> None:
    assert cv2.imwrite(str(path), cv2.cvtColor(image, cv2.COLOR_RGB2BGR))


@pytest.fixture(params=[tritonclient.http, tritonclient.grpc], ids=["http", "grpc"])
def client(request: pytest.FixtureRequest, served: Served) -> Iterator[Client]:
    caller = Client(request.param, url_of(request.param, served.server))
    yield caller
    caller.raw.close()


@pytest.fixture
def grpc(served: Served) -> Iterator[Client]:
    caller = Client(tritonclient.grpc, served.server.grpc_url)
    yield caller
    caller.raw.close()


@pytest.fixture(scope="module")
def expected(served: Served, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What `bpnet inference` finds in the photos, by file name."""
    folder = tmp_path_factory.mktemp("inference")
    spec = folder / "infer.yaml"
    spec.write_text(f"input_shape: [{SIDE}, {SIDE}]\nkeep_aspect_ratio_mode: pad_image_input\n")
    command = ["inference", "-i", str(spec), "-m", str(served.model), "--input_type", "dir"]
    assert main([*command, "--input", str(served.photos), "--results_dir", str(folder)]) == 0
    entries = json.loads((folder / "detections.json").read_text())["images"]
    return {Path(entry["full_image_path"]).name: entry for entry in entries}


def file(path: Path) -> np.ndarray:
    return np.array([path.read_bytes()], np.object_)


def people(client: Client, **inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    answer = client.infer("bodypose", **inputs)
    return answer.as_numpy("people"), answer.as_numpy("scores")


@pytest.mark.parametrize(
    ("name", "count"), [("two.png", 2), ("two.jpg", 2), ("wide.png", None), ("nobody.png", 0)]
)
def test_people_are_those_of_inference(
    client: Client, served: Served, expected: dict[str, Any], name: str, count: int | None
) -> None:
    found, scores = people(client, image=file(served.photos / name))
    wanted = expected[name]
    assert found.shape == (len(wanted["scores"]), 18, 3)
    assert found.dtype == scores.dtype == np.float32
    assert count in (None, len(found))
    shape = (-1, 18, 2)
    np.testing.assert_allclose(
        found[..., :2], np.reshape(wanted["keypoints"], shape).astype(np.float32), atol=0.02
    )
    np.testing.assert_allclose(found[..., 2].ravel(), np.ravel(wanted["joint_scores"]), atol=2e-4)
    np.testing.assert_allclose(scores, wanted["scores"], atol=2e-4)


def test_joints_are_where_they_were_drawn(grpc: Client) -> None:
    image, joints = photo()
    found, _ = people(grpc, rgb=image)
    assert len(found)
    for person in found:
        seen = person[:, 2] > 0
        assert seen.sum() >= 14
        errors = [np.abs(person[seen, :2] - drawn[seen, :2]).max() for drawn in joints]
        assert min(errors) < 8  # a cell


def test_pixels_and_their_file_give_the_same(client: Client, served: Served) -> None:
    by_file = people(client, image=file(served.photos / "two.png"))
    by_pixels = people(client, rgb=photo()[0])
    for one, other in zip(by_file, by_pixels, strict=True):
        np.testing.assert_array_equal(one, other)


def test_photos_of_many_clients_meet_in_batches(grpc: Client, served: Served) -> None:
    names = ["two.png", "two.jpg", "wide.png", "nobody.png"] * 6
    alone = {name: people(grpc, image=file(served.photos / name)) for name in set(names)}
    before = executions(grpc, "bodypose_net")
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda n: people(grpc, image=file(served.photos / n)), names))
    for name, answer in zip(names, answers, strict=True):
        for one, other in zip(answer, alone[name], strict=True):
            np.testing.assert_allclose(one, other, atol=1e-3)
    assert executions(grpc, "bodypose_net") - before < len(names)


def huge() -> bytes:
    """A PNG of few bytes and 400 million pixels."""
    return bytes(cv2.imencode(".png", np.zeros((20000, 20000), np.uint8))[1])


def strip() -> bytes:
    """A PNG of few bytes that fills gigabytes when it is padded to a square."""
    return bytes(cv2.imencode(".png", np.zeros((65_000, 1), np.uint8))[1])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: {}, "give either image, a JPEG or PNG file, or rgb, its pixels"),
        (
            lambda: {"image": np.array([b"x"], np.object_), "rgb": photo()[0]},
            "give either image, a JPEG or PNG file, or rgb, its pixels",
        ),
        (lambda: {"image": np.array([b"text"], np.object_)}, "image: not an image"),
        (lambda: {"image": np.array([b"\xff\xd8\xff"], np.object_)}, "image: the JPEG is cut off"),
        (lambda: {"image": np.array([huge()], np.object_)}, "image: not an image"),
        (lambda: {"rgb": np.zeros((1, 40_000, 3), np.uint8)}, "a photo of 40000x1 pixels takes"),
        (lambda: {"image": np.array([strip()], np.object_)}, "a photo of 1x65000 pixels takes"),
        (lambda: {"rgb": np.zeros((8, 8, 4), np.uint8)}, "unexpected shape"),
        (lambda: {"rgb": np.zeros((8, 8, 3), np.float32)}, "data-type"),
    ],
    ids=["neither", "both", "text", "cut", "huge", "wide", "strip", "rgba", "float"],
)
def test_what_is_no_photo_is_refused(
    grpc: Client, make: Callable[[], dict[str, np.ndarray]], message: str
) -> None:
    with pytest.raises(InferenceServerException, match=message):
        people(grpc, **make())
    assert len(people(grpc, rgb=photo()[0])[0]) == 2  # and the server lives on


def test_the_healthcheck_of_the_container_asks_it(served: Served) -> None:
    check = runpy.run_path(str(ROOT / "deploy/healthcheck.py"))
    check["ask"](served.server.http_url, "bodypose", check["OTHERS"]["bodypose"])


def test_metadata_is_the_contract(grpc: Client) -> None:
    metadata = grpc.raw.get_model_metadata("bodypose", as_json=True)
    tensors = {t["name"]: (t["datatype"], t["shape"]) for t in metadata["inputs"]}
    assert tensors == {"image": ("BYTES", ["1"]), "rgb": ("UINT8", ["-1", "-1", "3"])}
    tensors = {t["name"]: (t["datatype"], t["shape"]) for t in metadata["outputs"]}
    assert tensors == {"people": ("FP32", ["-1", "18", "3"]), "scores": ("FP32", ["-1"])}
