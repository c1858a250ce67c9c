"""A network small enough to be worked out by hand: logits = mean of (x, y, z) @ WEIGHTS + BIAS."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

CLASSES = ("sitting_down", "getting_up", "sitting", "standing", "walking", "jumping")
JOINTS = 34
WEIGHTS = np.array(
    [[8, -3, 5, 1, -7, 2], [-4, 6, -1, 9, 3, -8], [2, 7, -6, -5, 4, 1]], dtype=np.float32
)
BIAS = np.array([0.5, -0.25, 0.125, 0.0, -0.5, 0.25], dtype=np.float32)


def tiny_logits(clips: npt.ArrayLike, padding: str = "mask") -> npt.NDArray[np.float32]:
    """What the tiny network returns for (N, C, T, V, 1): (N, 6).

    With padding `mask` the mean is over frames that are not all zero, with `tao` over all.
    """
    x = np.asarray(clips, dtype=np.float32)
    frames = np.full(len(x), x.shape[2])
    if padding == "mask":
        frames = np.maximum(x.any(axis=(1, 3, 4)).sum(axis=1), 1)
    means = x.sum(axis=(2, 3, 4)) / (frames[:, np.newaxis] * JOINTS)
    return np.asarray(means @ WEIGHTS[: x.shape[1]] + BIAS, dtype=np.float32)


def write_tiny_network(
    folder: Path,
    *,
    pose_type: str | None = "3dbp",
    padding: str = "mask",
    temperature: float = 1.0,
    unknown_logit: float | None = None,
    frames: int | None = None,
) -> Path:
    """Writes `model.onnx` and its sidecar `model.json` into `folder`; returns the former.

    `frames` fixes T as TAO's own export does; what is None is left out of the sidecar.
    """
    channels = 2 if pose_type == "2dbp" else 3
    facts: dict[str, Any] = {"classes": list(CLASSES), "layout": "nvidia", "padding": padding}
    facts |= {"temperature": temperature, "version": "tiny", "train_digest": "0" * 16}
    optional = {"pose_type": pose_type, "unknown_logit": unknown_logit}
    facts |= {key: value for key, value in optional.items() if value is not None}
    model = helper.make_model(
        _graph(channels, padding, frames),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=9,
    )
    helper.set_model_props(
        model, {k: v if isinstance(v, str) else json.dumps(v) for k, v in facts.items()}
    )
    onnx.checker.check_model(model)
    path = folder / "model.onnx"
    path.write_bytes(model.SerializeToString())
    facts["onnx_sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    (folder / "model.json").write_text(json.dumps(facts), encoding="utf-8")
    return path


def _graph(channels: int, padding: str, frames: int | None) -> onnx.GraphProto:
    node = helper.make_node
    if padding == "mask":
        mean = [
            node("Abs", ["input"], ["size"]),
            node("ReduceSum", ["size", "all_but_frames"], ["frame_size"], keepdims=0),
            node("Sign", ["frame_size"], ["seen"]),
            node("ReduceSum", ["seen", "frames_axis"], ["frames"], keepdims=1),
            node("Max", ["frames", "one"], ["at_least_one"]),
            node("Mul", ["at_least_one", "joints"], ["points"]),
            node("ReduceSum", ["input", "all_but_channels"], ["sum"], keepdims=0),
            node("Div", ["sum", "points"], ["mean"]),
        ]
    else:
        mean = [node("ReduceMean", ["input"], ["mean"], axes=[2, 3, 4], keepdims=0)]
    product = [
        node("MatMul", ["mean", "weights"], ["product"]),
        node("Add", ["product", "bias"], ["fc_pred"]),
    ]
    constants = {
        "weights": WEIGHTS[:channels],
        "bias": BIAS,
        "joints": np.float32(JOINTS),
        "one": np.float32(1),
        "all_but_channels": np.array([2, 3, 4]),
        "all_but_frames": np.array([1, 3, 4]),
        "frames_axis": np.array([1]),
    }
    shape: list[str | int | None] = ["N", channels, frames or "T", JOINTS, 1]
    return helper.make_graph(
        [*mean, *product],
        "tiny",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("fc_pred", TensorProto.FLOAT, ["N", len(CLASSES)])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
