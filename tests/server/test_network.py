"""The network alone: `pose_classification_tao` on the embedded server."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import helper, numpy_helper
from tritonclient.utils import InferenceServerException

from scripts.embedded_triton import EmbeddedTriton
from tests.server.conftest import NETWORK, Client, scrape, with_parameters
from tests.tiny_network import CLASSES, tiny_logits


def clips(n: int, frames: int = 100, seed: int = 0) -> NDArray[Any]:
    return np.random.default_rng(seed).normal(size=(n, 3, frames, 34, 1)).astype(np.float32)


def padded(x: NDArray[Any], frames: int = 300) -> NDArray[Any]:
    return np.pad(x, ((0, 0), (0, 0), (0, frames - x.shape[2]), (0, 0), (0, 0)))


@pytest.mark.parametrize("frames", [1, 100, 300])
def test_logits_are_the_networks(client: Client, frames: int) -> None:
    x = clips(3, frames)
    np.testing.assert_allclose(client.logits(x), tiny_logits(x), atol=1e-5)


def test_a_batch_of_16_is_taken_and_17_refused(client: Client) -> None:
    assert client.logits(clips(16)).shape == (16, 6)
    with pytest.raises(InferenceServerException, match="batch-size must be <= 16"):
        client.logits(clips(17))


def test_a_run_may_have_more_threads_than_there_are_cores(serve: Callable[..., Any]) -> None:
    _, client = serve(edit=partial(with_parameters, threads_a_run=(os.cpu_count() or 1) + 1))
    x = clips(16, 150)
    np.testing.assert_allclose(client.logits(x), tiny_logits(x), atol=1e-5)


def test_a_run_that_fails_harms_no_other(serve: Callable[..., Any]) -> None:
    def only_whole_hundreds(repository: Path) -> None:
        path = repository / NETWORK / "1/model.onnx"
        model = onnx.load(path)
        for node in model.graph.node:
            node.input[:] = ["hundreds" if name == "input" else name for name in node.input]
        model.graph.node.insert(0, helper.make_node("Reshape", ["input", "shape"], ["hundreds"]))
        shape = numpy_helper.from_array(np.array([-1, 3, 100, 34, 1]), "shape")
        model.graph.initializer.append(shape)
        onnx.save(model, path)
        with_parameters(repository)  # its warm-up would fail, too

    _, client = serve(edit=only_whole_hundreds)
    for _ in range(3):
        with pytest.raises(InferenceServerException, match="the network failed"):
            client.logits(clips(5, 50))
        x = clips(5, 100)
        np.testing.assert_allclose(client.logits(x), tiny_logits(x), atol=1e-5)


def test_a_network_of_other_classes_is_not_served(serve: Callable[..., Any]) -> None:
    def leave_one_out(repository: Path) -> None:
        path = repository / NETWORK / "1/model.onnx"
        model = onnx.load(path)
        for tensor in model.graph.initializer:
            if tensor.name in ("weights", "bias"):
                fewer = numpy_helper.to_array(tensor)[..., :5]
                tensor.CopyFrom(numpy_helper.from_array(fewer, tensor.name))
        model.graph.output[0].type.tensor_type.shape.dim[1].dim_value = 5
        onnx.save(model, path)

    with pytest.raises(RuntimeError, match=r"model\.onnx has 5 classes, its configuration 6: put"):
        serve(edit=leave_one_out)


def test_the_warm_up_is_of_full_length(serve: Callable[..., Any]) -> None:
    """It sends zeros, which are else cut off behind a sequence; each full sequence is a run."""
    server, _ = serve()
    assert scrape(server, "runs") == 1 + 16


def test_classification_extension_ranks_the_labels(client: Client) -> None:
    x = clips(2)
    answer = client.infer(NETWORK, ["fc_pred"], classes=6, input=x).as_numpy("fc_pred")
    for row, logits in zip(answer, tiny_logits(x), strict=True):
        order = np.argsort(-logits)
        scores, indices, labels = zip(*(text.decode().split(":") for text in row), strict=True)
        assert [int(index) for index in indices] == list(order)
        assert list(labels) == [CLASSES[index] for index in order]
        np.testing.assert_allclose([float(score) for score in scores], logits[order], atol=1e-5)


def test_zeros_behind_a_sequence_change_nothing(client: Client) -> None:
    x = clips(4, 90)
    x[1, :, 60:] = 0  # one ends earlier
    x[2, :, 10:20] = 0  # a gap inside stays
    x[3] = 0  # nobody there at all
    np.testing.assert_array_equal(client.logits(padded(x)), client.logits(x))
    np.testing.assert_allclose(client.logits(padded(x)), tiny_logits(x), atol=1e-5)


def test_padding_counts_where_the_network_was_trained_with_it(serve: Callable[..., Any]) -> None:
    _, client = serve(padding="tao")
    x = clips(2, 90)
    np.testing.assert_allclose(
        client.logits(padded(x)), tiny_logits(x) * 0.3 + bias(0.7), atol=1e-5
    )


def bias(share: float) -> NDArray[Any]:
    return share * tiny_logits(np.zeros((1, 3, 1, 34, 1)))


def test_a_network_of_fixed_length_says_so(serve: Callable[..., Any]) -> None:
    _, client = serve(padding="tao", frames=300)
    assert client.logits(clips(1, 300)).shape == (1, 6)
    with pytest.raises(InferenceServerException, match="100 frames, this network takes 300"):
        client.logits(clips(1, 100))


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (clips(1, 301), "301 frames, must have 1 to 300"),
        (clips(1, 0), "0 frames, must have 1 to 300"),
        (clips(1)[:, :2], r"Expected \[-1,3,-1,34,1\], got \[1,2,100,34,1\]"),
        (clips(1)[..., :33, :], "unexpected shape for input 'input'"),
        (clips(1).astype(np.float64), "data-type is 'FP64'"),
        (np.full((1, 3, 9, 34, 1), np.nan, np.float32), "nan or inf"),
        (np.full((1, 3, 9, 34, 1), np.inf, np.float32), "nan or inf"),
    ],
)
def test_bad_input_is_refused_as_the_callers_mistake(
    client: Client, x: NDArray[Any], message: str
) -> None:
    with pytest.raises(InferenceServerException, match=message) as refused:
        client.logits(np.ascontiguousarray(x))
    assert refused.value.status() in ("400", "StatusCode.INVALID_ARGUMENT")


def test_different_lengths_meet_in_one_batch_and_one_bad_request_harms_no_other(
    grpc: Client, triton: EmbeddedTriton
) -> None:
    # Lengths in turns, so that runs of one length have to be put together.
    sent = [clips(1, 1 + index % 4, seed=index) for index in range(256)]
    sent[100][0, 0, 0, 0, 0] = np.nan
    before = scrape(triton, "runs")
    answers: dict[str, Any] = {}
    grpc.raw.start_stream(lambda result, error: answers.update(identified(result, error)))
    for index, x in enumerate(sent):
        grpc.raw.async_stream_infer(NETWORK, grpc.inputs(input=x), request_id=str(index))
    grpc.raw.stop_stream()
    assert "nan or inf" in str(answers.pop("error"))
    assert len(answers) == len(sent) - 1
    for name, result in answers.items():
        expected = tiny_logits(sent[int(name)])
        np.testing.assert_allclose(result.as_numpy("fc_pred"), expected, atol=1e-5)
    assert scrape(triton, "runs") - before < len(sent)


def identified(result: Any, error: Any) -> dict[str, Any]:
    return {"error": error} if error else {result.get_response().id: result}
