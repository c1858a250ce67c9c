"""What the hot paths cost, counted and not timed: fails when somebody makes them dearer.

A limit that a change lowers is to be lowered here too.
"""

from __future__ import annotations

import tracemalloc
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import tritonclient.grpc

from benchmarks._graph import macs
from benchmarks.convert_annotate import write_document
from client import Client, Settings
from converter import ConvertConfig
from converter.deepstream import AnnotationJob
from scripts.embedded_triton import EmbeddedTriton
from tests.training.pose_classification.networks import small_model
from training.pose_classification.deploy import DeployNet
from training.pose_classification.onnx_model import InputShape, to_onnx

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "samples/walk_sit_getup.json"
ENSEMBLE, NETWORK = "pose_classification", "pose_classification_tao"
SHIPPED = ROOT / "model_repository" / NETWORK / "1"

# The full networks have 64 channels; multiplications grow with the square of that but for the
# aggregation, so a narrow one shows as well where they go.
LIMITS = {"ST-GCN": (83_701_392, 114), "ST-GCN++": (57_062_392, 251)}  # MACs, nodes


@pytest.fixture(scope="module", params=LIMITS)
def exported(request: pytest.FixtureRequest) -> tuple[str, onnx.ModelProto]:
    net = small_model(model_type=request.param, padding="mask")
    return request.param, to_onnx(DeployNet(net), InputShape(3, 34))


def test_the_exported_graph(exported: tuple[str, onnx.ModelProto]) -> None:
    name, model = exported
    most_macs, most_nodes = LIMITS[name]
    assert macs(model, 1, 100) <= most_macs
    assert len(model.graph.node) <= most_nodes
    kinds = Counter(node.op_type for node in model.graph.node)
    assert not {"BatchNormalization", "Einsum", "Transpose"} & kinds.keys()


def test_a_third_of_the_frames_costs_a_third(exported: tuple[str, onnx.ModelProto]) -> None:
    _, model = exported
    assert macs(model, 2, 100) == 2 * macs(model, 1, 100)
    assert macs(model, 1, 300) == pytest.approx(3 * macs(model, 1, 100), rel=0.02)


def test_the_shipped_forms_do_the_same_work() -> None:
    plain, int8 = (onnx.load(SHIPPED / f"{name}.onnx") for name in ("model", "model.int8"))
    assert macs(int8, 1, 100) == macs(plain, 1, 100)
    assert macs(plain, 1, 100) <= 300_000_000


def counts(url: str, model: str) -> tuple[int, int]:
    """Requests and sequences that a model has answered."""
    client = tritonclient.grpc.InferenceServerClient(url)
    (stats,) = client.get_inference_statistics(model).model_stats
    client.close()
    return int(stats.inference_stats.success.count), int(stats.inference_count)


@pytest.mark.parametrize("model", [ENSEMBLE, NETWORK])
def test_requests_for_a_document(triton: EmbeddedTriton, tmp_path: Path, model: str) -> None:
    before = counts(triton.grpc_url, model)
    settings = Settings(url=triton.http_url, model=model, batch_size=16)
    with Client(settings) as client:
        segments = client.annotate(DOCUMENT, tmp_path / "out.json").segments
    requests, sequences = np.subtract(counts(triton.grpc_url, model), before)
    assert sequences == segments
    assert requests == -(-segments // 16)


class Sent:
    """Counts the bytes of the HTTP bodies that aiohttp sends."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        import aiohttp

        self.sizes: list[int] = []
        post = aiohttp.ClientSession.post

        def counted(session: Any, url: str, data: Any = None, **more: Any) -> Any:
            self.sizes.append(len(data))
            return post(session, url, data=data, **more)

        monkeypatch.setattr(aiohttp.ClientSession, "post", counted)


def test_bytes_of_a_request(triton: EmbeddedTriton, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = Sent(monkeypatch)
    raw = np.ones((16, 100, 34, 4), np.float32)
    with Client(Settings(url=triton.http_url, model=ENSEMBLE, batch_size=16)) as client:
        assert len(list(client.classify(raw))) == 16
    (size,) = sent.sizes
    assert raw.nbytes < size < raw.nbytes + 2500  # the header, and the camera of each sequence


@pytest.mark.parametrize("policy", ["tao", "dense"])
def test_memory_of_converting(tmp_path: Path, policy: Any) -> None:
    peaks = []
    for count in (2_000, 6_000):
        write_document(tmp_path / "document.json", count)
        tracemalloc.start()
        with AnnotationJob(tmp_path / "document.json", ConvertConfig(), policy) as job:
            for segment in job.segments():
                job.assign(segment.index, 0)
            job.write(tmp_path / "out.json", ["walking"])
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] - peaks[0] <= 40 * 4_000  # bytes an object-frame: its label, what it is part of
    assert peaks[1] < 12e6
