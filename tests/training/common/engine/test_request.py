"""Sizes of the input, and real inputs, of the engine that is wanted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from converter import InputError
from tests.tiny_network import write_tiny_network
from tests.training.common.engine.small import request


def test_samples(network: Path, tmp_path: Path) -> None:
    data = np.random.default_rng(0).normal(size=(9, 3, 120, 34, 1))
    np.save(tmp_path / "data.npy", data)
    wanted = request(network, calibration=tmp_path / "data.npy")
    samples = wanted.samples(3)
    assert samples.dtype == np.float32
    np.testing.assert_array_equal(samples, data[[0, 4, 8], :, :100].astype(np.float32))
    assert [inputs.shape[0] for inputs in wanted.test_inputs()] == [1, 4]
    np.save(tmp_path / "data.npy", data[:3])
    assert len(wanted.samples(9)) == 3
    batch = wanted.test_inputs()[1]
    np.testing.assert_array_equal(batch, data[[0, 1, 2, 0], :, :100].astype(np.float32))


@pytest.mark.parametrize(
    "shape", [(0, 3, 120, 34, 1), (5, 3, 99, 34, 1), (5, 3, 120, 35, 1), (5, 3, 120, 34), (4,)]
)
def test_samples_that_do_not_fit(network: Path, tmp_path: Path, shape: tuple[int, ...]) -> None:
    np.save(tmp_path / "data.npy", np.zeros(shape))
    with pytest.raises(InputError, match=r"should be \(N, 3, 100 or more, 34, 1\)"):
        request(network, calibration=tmp_path / "data.npy").samples(2)


def test_samples_that_are_no_array(network: Path, tmp_path: Path) -> None:
    wanted = request(network, calibration=tmp_path / "data.npy")
    for content in (None, "", "text"):
        if content is not None:
            (tmp_path / "data.npy").write_text(content)
        with pytest.raises(InputError, match=r"data\.npy: "):
            wanted.samples(2)


def test_fixed_axes_stay_and_unknown_open_ones_are_refused(network: Path) -> None:
    fixed = write_tiny_network(network.parent, padding="tao", frames=300)
    assert request(fixed).shapes[0] == (1, 3, 300, 34, 1)
    model = onnx.load(fixed)
    model.graph.input[0].type.tensor_type.shape.dim[2].dim_param = "somewhat"
    onnx.save(model, fixed)
    with pytest.raises(InputError, match="no size known for the open axis 'somewhat'"):
        _ = request(fixed).shapes


def test_usual_length_follows_the_padding(tmp_path: Path, network: Path) -> None:
    assert request(network).shapes[1] == (4, 3, 100, 34, 1)
    model = onnx.load(network)
    onnx.helper.set_model_props(model, {"padding": "tao"})
    onnx.save(model, network)
    assert request(network).shapes[1] == (4, 3, 300, 34, 1)


def test_the_first_axis_is_the_batch_whatever_it_is_called(network: Path) -> None:
    model = onnx.load(network)
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_param = "n"
    onnx.save(model, network)
    assert request(network).shapes[1] == (4, 3, 100, 34, 1)


def test_a_network_of_two_inputs_is_refused(network: Path) -> None:
    model = onnx.load(network)
    model.graph.input.append(onnx.helper.make_tensor_value_info("more", 1, [1]))
    onnx.save(model, network)
    with pytest.raises(InputError, match="should have one input"):
        _ = request(network).shapes


def test_not_an_onnx_file(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"x" * 100)
    with pytest.raises(InputError, match="ONNX Runtime cannot load it"):
        _ = request(tmp_path / "model.onnx").shapes
