"""Weights from files: of this program, or NVIDIA's.

NVIDIA's `.pth` of PoseClassificationNet and ours name tensors alike, after the prefix `model.`
of the Lightning module is taken off; see `docs/training.md` for the list.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from converter import InputError
from training.common.checkpoint import load_checkpoint
from training.pose_classification.build import build_model
from training.pose_classification.metadata import ModelMetadata
from training.pose_classification.spec import ExperimentSpec

logger = logging.getLogger(__name__)

_PREFIXES = ("model.", "module.")
_GRAPH = "A"  # the skeleton of ST-GCN: given by the spec, never loaded


@dataclass(frozen=True)
class PretrainedReport:
    """What became of the tensors of a pretrained file.

    Attributes:
        loaded: names that were loaded.
        skipped: one line for each that was not, saying why.
        fresh: names in the network that the file does not have.
    """

    loaded: tuple[str, ...]
    skipped: tuple[str, ...]
    fresh: tuple[str, ...]


def load_pretrained(model: nn.Module, path: Path, key: str | None = None) -> PretrainedReport:
    """Load whatever fits into a network, and log what does not.

    Another number of classes, joints or channels leaves the layers that depend on it as they
    are: the classifier, the input normalisation, the edge weights.

    Args:
        model: changed in place.
        path: a `.pth` of this program or of NVIDIA TAO.
        key: its encryption key, if it has one.

    Raises:
        InputError: not a checkpoint, or nothing in it fits.
    """
    state = _weights(load_checkpoint(path, key, foreign=True), path)
    own = model.state_dict()
    loaded, skipped = {}, []
    for name, tensor in state.items():
        if name not in own:
            skipped.append(f"{name}: the network has no such weights")
        elif tensor.shape != own[name].shape:
            skipped.append(f"{name}: {_shape(tensor)} in the file, {_shape(own[name])} here")
        elif name != _GRAPH:
            loaded[name] = tensor
        elif not tensor.to(own[name]).allclose(own[name]):
            skipped.append(f"{name}: the skeleton graph of the file is another one")
    fresh = tuple(name for name in own if name not in state and name != _GRAPH)
    if not loaded:
        raise InputError(f"{path}: none of its weights fit the network")
    model.load_state_dict(loaded, strict=False)
    logger.info("%s: %d of %d weights loaded", path, len(loaded), len(own) - (_GRAPH in own))
    for line in skipped:
        logger.warning("not loaded: %s", line)
    if fresh:
        logger.warning("not in the file: %s", ", ".join(fresh))
    return PretrainedReport(tuple(loaded), tuple(skipped), fresh)


def load_trained(path: Path, spec: ExperimentSpec) -> tuple[nn.Module, ModelMetadata]:
    """Build the network of a spec with the weights of a checkpoint, ready for inference.

    Returns:
        The network on the CPU in evaluation mode, and its facts.

    Raises:
        InputError: not a checkpoint, or one of another network than the spec says.
    """
    checkpoint = load_checkpoint(path, spec.encryption_key, foreign=True)
    state = _weights(checkpoint, path)
    metadata = ModelMetadata.of_checkpoint(checkpoint, spec, str(path))
    model = build_model(spec.model, spec.dataset.num_classes)
    own = model.state_dict()
    for name in own.keys() | state.keys():
        if name not in state or name not in own or state[name].shape != own[name].shape:
            raise InputError(
                f"{path}: does not fit the spec: {name} is {_shape(state.get(name))} in "
                f"the file, {_shape(own.get(name))} by model and dataset.num_classes of the spec"
            )
    if _GRAPH in own and not state[_GRAPH].to(own[_GRAPH]).allclose(own[_GRAPH]):
        raise InputError(f"{path}: was trained with another graph_layout or graph_strategy")
    model.load_state_dict(state)
    return model.eval(), metadata


def _weights(checkpoint: dict[str, Any], path: Path) -> dict[str, Tensor]:
    """The tensors of a checkpoint by their names in the network."""
    state = checkpoint.get("state_dict", checkpoint)
    tensors = {}
    for name, tensor in state.items() if isinstance(state, dict) else ():
        if isinstance(tensor, Tensor):
            for prefix in _PREFIXES:
                name = str(name).removeprefix(prefix)
            tensors[name] = tensor
    if not tensors:
        raise InputError(f"{path}: holds no weights (no tensors in its state_dict)")
    return tensors


def _shape(tensor: Tensor | None) -> str:
    return "missing" if tensor is None else "x".join(map(str, tensor.shape)) or "scalar"
