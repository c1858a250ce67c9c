"""Keras files of TAO's BodyPoseNet (`.hdf5`): the layers' names, translated."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import torch

from converter import InputError

_PARAMETERS = {
    "kernel": "conv.weight",
    "bias": "conv.bias",
    "gamma": "norm.weight",
    "beta": "norm.bias",
    "moving_mean": "norm.running_mean",
    "moving_variance": "norm.running_var",
}
_BACKBONE = re.compile(r"(?:^|/)block_(\d)([a-z])_(?:conv|bn)_1$")
_SHARED = re.compile(r"(?:^|/)stage(\d+)/conv(\d+)$")
_BRANCH = re.compile(r"(?:^|/)stage(\d+)/(paf|cmap)/(conv\d+|attention_conv)$")
_OUT = re.compile(r"(?:^|/)stage(\d+)/(paf|heat)_branch/out$")
_LAST = re.compile(r"(?:^|/)(paf|heatmap)_out$")


def read_keras(path: Path, stages: int) -> dict[str, torch.Tensor]:
    """Weights of a Keras file under the names of `BodyPoseNet`; layers it lacks are left out.

    Args:
        path: a file that Keras saved and nobody encrypted.
        stages: of the network, to find the last outputs.

    Raises:
        InputError: h5py is not installed, or the file is not readable HDF5.
    """
    try:
        import h5py
    except ImportError:
        raise InputError(f"{path}: reading HDF5 needs the package h5py") from None
    weights: dict[str, torch.Tensor] = {}

    def collect(name: str, item: object) -> None:
        if not isinstance(item, h5py.Dataset):
            return
        layer, _, parameter = name.rpartition("/")
        target = layer_name(layer, stages)
        kind = _PARAMETERS.get(parameter.split(":")[0])
        if target and kind:
            value = np.asarray(item, np.float32)
            # Keras: height, width, in, out.
            value = value.transpose(3, 2, 0, 1) if value.ndim == 4 else value
            weights[f"{target}.{kind}"] = torch.from_numpy(np.ascontiguousarray(value))

    try:
        with h5py.File(path, "r") as file:
            file.visititems(collect)
    except OSError as error:
        if not path.is_file():
            raise InputError(f"{path}: no such file") from None
        reason = str(error).splitlines()[0]
        raise InputError(f"{path}: not HDF5, or encrypted ({reason})") from None
    return weights


def layer_name(keras: str, stages: int) -> str | None:
    """The name here of a Keras layer, or None for one that is not known."""
    if match := _BACKBONE.search(keras):
        return f"backbone.block{match[1]}_conv{ord(match[2]) - ord('a') + 1}"
    if keras.endswith("channel_reduction_conv"):
        return "reduction"
    if match := _SHARED.search(keras):
        return f"stage{match[1]}.shared.{int(match[2]) - 1}"
    if match := _BRANCH.search(keras):
        branch = "heatmap" if match[2] == "cmap" else "paf"
        return f"stage{match[1]}.{branch}.{'attention' if 'att' in match[3] else 'hidden'}"
    if match := _OUT.search(keras):
        return f"stage{match[1]}.{'heatmap' if match[2] == 'heat' else 'paf'}.out"
    if match := _LAST.search(keras):
        return f"stage{stages}.{match[1]}.out"
    return None
