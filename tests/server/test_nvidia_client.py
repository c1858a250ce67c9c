"""A client as NVIDIA's `tao_client.py` behaves, against `pose_classification_tao`.

Restated from its behaviour: metadata and configuration fetched and checked first; every request
full, the last one topped up with sequences from the start; the classification extension over all
classes; results placed by request id; surplus rows dropped.
"""

from __future__ import annotations

import queue
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pytest
import tritonclient.grpc
import tritonclient.http
from numpy.typing import NDArray

from scripts.embedded_triton import EmbeddedTriton
from tests.server.conftest import NETWORK, url_of
from tests.tiny_network import CLASSES, tiny_logits

WAYS = ("sync", "async", "stream")


class NvidiaStyleClient:
    """One run over an (N, C, T, V, M) array."""

    def __init__(self, module: Any, url: str, batch_size: int) -> None:
        self.module = module
        self.batch_size = batch_size
        kwargs = {"concurrency": 20} if module is tritonclient.http else {}
        self.client = module.InferenceServerClient(url=url, verbose=False, **kwargs)
        self.parse_model()

    def parse_model(self) -> None:
        metadata = self.client.get_model_metadata(model_name=NETWORK, model_version="1")
        config = self.client.get_model_config(model_name=NETWORK, model_version="1")
        if self.module is tritonclient.http:
            metadata, config = Dotted(metadata), Dotted(config)
        else:
            config = config.config
        assert len(metadata.inputs) == len(metadata.outputs) == len(config.input) == 1
        assert metadata.outputs[0].datatype == "FP32"
        batching = config.max_batch_size > 0
        assert len(metadata.inputs[0].shape) == 4 + batching
        self.c, self.t, self.v, self.m = (int(n) for n in metadata.inputs[0].shape[batching:])
        self.input, self.dtype = metadata.inputs[0].name, metadata.inputs[0].datatype
        self.classes = int(config.output[0].dims[0])

    def requests(self, data: NDArray[Any]) -> Iterator[dict[str, Any]]:
        start, counter = 0, 0
        while True:
            rows = [(start + offset) % len(data) for offset in range(self.batch_size)]
            wrapped = start + self.batch_size >= len(data)
            counter += 1
            batch = np.stack([data[row] for row in rows])
            tensor = self.module.InferInput(self.input, list(batch.shape), self.dtype)
            tensor.set_data_from_numpy(batch)
            yield {
                "inputs": [tensor],
                "outputs": [self.module.InferRequestedOutput("fc_pred", class_count=self.classes)],
                "request_id": str(counter),
                "model_version": "1",
            }
            if wrapped:
                return
            start = rows[-1] + 1

    def run(self, data: NDArray[Any], way: str) -> list[str]:
        requests = self.requests(data)
        answers: Iterable[Any]
        if way == "sync":
            answers = [self.client.infer(NETWORK, **request) for request in requests]
        elif self.module is tritonclient.http:
            pending = [self.client.async_infer(NETWORK, **request) for request in requests]
            answers = [request.get_result() for request in pending]
        else:
            answers = self.completions(requests, streaming=way == "stream")
        lines: dict[int, str] = {}
        for answer in answers:
            response = answer.get_response()
            request_id = response["id"] if isinstance(response, dict) else response.id
            for row, ranked in enumerate(answer.as_numpy("fc_pred")):
                index = (int(request_id) - 1) * self.batch_size + row
                if index < len(data):
                    lines[index] = f"{index}" + "".join(map(entry, ranked))
        return [lines[index] for index in range(len(data))]

    def completions(self, requests: Iterator[dict[str, Any]], streaming: bool) -> Iterator[Any]:
        done: queue.Queue[tuple[Any, Any]] = queue.Queue()

        def completed(result: Any, error: Any) -> None:
            done.put((result, error))

        if streaming:
            self.client.start_stream(completed)
        sent = 0
        for request in requests:
            sent += 1
            if streaming:
                self.client.async_stream_infer(NETWORK, **request)
            else:
                self.client.async_infer(NETWORK, callback=completed, **request)
        for _ in range(sent):
            result, error = done.get(timeout=120)
            assert error is None, error
            yield result
        if streaming:
            self.client.stop_stream()


class Dotted(dict[str, Any]):
    """A JSON object whose keys are attributes, as NVIDIA's client reads HTTP answers."""

    def __getattr__(self, name: str) -> Any:
        value = self[name]
        return (
            [Dotted(v) if isinstance(v, dict) else v for v in value]
            if isinstance(value, list)
            else value
        )


def entry(classification: bytes) -> str:
    score, index, label = classification.decode().split(":")
    return f", {float(score):0.4f}({index})={label}"


@pytest.mark.parametrize("batch_size", [1, 4, 16])
@pytest.mark.parametrize(
    ("module", "way"),
    [(tritonclient.http, way) for way in WAYS[:2]] + [(tritonclient.grpc, way) for way in WAYS],
)
def test_every_line_is_right(
    triton: EmbeddedTriton, module: Any, way: str, batch_size: int
) -> None:
    data = np.random.default_rng(1).normal(size=(10, 3, 300, 34, 1)).astype(np.float32)
    data[5:, :, 100:] = 0
    data[:, :, :100] += np.arange(10, dtype=np.float32).reshape(10, 1, 1, 1, 1) / 10
    client = NvidiaStyleClient(module, url_of(module, triton), batch_size)
    assert (client.c, client.t, client.v, client.m, client.classes) == (3, -1, 34, 1, 6)
    lines = client.run(data, way)
    client.client.close()
    for index, (line, logits) in enumerate(zip(lines, tiny_logits(data), strict=True)):
        number, *entries = line.split(", ")
        assert number == str(index)
        order = np.argsort(-logits)
        labels = [f"({place})={CLASSES[place]}" for place in order]
        assert [text[text.index("(") :] for text in entries] == labels
        scores = [float(text.partition("(")[0]) for text in entries]
        np.testing.assert_allclose(scores, logits[order], atol=1e-3)


def test_a_whole_data_set_can_be_sent_at_once(triton: EmbeddedTriton) -> None:
    """NVIDIA's test set has 592 sequences; its gRPC client does not wait between requests."""
    data = np.random.default_rng(2).normal(size=(592, 3, 300, 34, 1)).astype(np.float32)
    client = NvidiaStyleClient(tritonclient.grpc, triton.grpc_url, batch_size=1)
    lines = client.run(data, "async")
    client.client.close()
    best = [int(line.split(", ")[1].partition("(")[2].partition(")")[0]) for line in lines]
    assert best == tiny_logits(data).argmax(axis=1).tolist()
