"""A network in a file: its weights, and all that is needed to build and feed it again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from converter import InputError
from training.bpnet.dataloader_spec import NormalizationParams
from training.bpnet.model import BodyPoseNet
from training.bpnet.pose_config import PoseConfig
from training.bpnet.spec import ModelSpec
from training.common.checkpoint import load_checkpoint, save_checkpoint
from training.common.spec import make_spec

_KEY = "bpnet"


@dataclass(frozen=True)
class ModelInfo:
    """What a network is, without its weights.

    Attributes:
        spec: the train spec's `model` section.
        pose: joints and limbs.
        normalization: how images are scaled.
        widths: output channels of convolutions that a pruning made narrower.
    """

    spec: ModelSpec
    pose: PoseConfig
    normalization: NormalizationParams
    widths: Mapping[str, int] = field(default_factory=dict)

    def build(self) -> BodyPoseNet:
        """The network with fresh weights."""
        return BodyPoseNet(self.spec, self.pose, self.widths)

    def as_tree(self) -> dict[str, Any]:
        """Plain values, for a file."""
        return {
            "model": self.spec.model_dump(),
            "pose_config": dict(self.pose.document),
            "normalization": self.normalization.model_dump(),
            "widths": dict(self.widths),
        }

    @classmethod
    def from_tree(cls, tree: Mapping[str, Any], source: str) -> ModelInfo:
        """The inverse of `as_tree`.

        Raises:
            InputError: a part is missing or wrong.
        """
        try:
            return cls(
                make_spec(ModelSpec, tree["model"], source=source),
                PoseConfig.from_document(tree["pose_config"], source),
                make_spec(NormalizationParams, tree["normalization"], source=source),
                dict(tree["widths"]),
            )
        except (KeyError, TypeError) as error:
            raise InputError(f"{source}: not a BodyPoseNet model: {error} is missing") from None


def save_model(path: Path, model: BodyPoseNet, info: ModelInfo, key: str | None = None) -> None:
    """Write a network, encrypted where a key is given."""
    save_checkpoint(path, {_KEY: info.as_tree(), "state_dict": model.state_dict()}, key)


def load_model(
    path: Path, key: str | None = None, device: str | torch.device = "cpu"
) -> tuple[BodyPoseNet, ModelInfo]:
    """Read a network from a model file or a training checkpoint, ready to predict.

    Raises:
        InputError: the file is missing, damaged, encrypted with another key, or of another kind.
    """
    info, state = read_model(load_checkpoint(path, key, device), str(path))
    model = info.build()
    try:
        model.load_state_dict(state)
    except RuntimeError as error:
        reason = str(error).splitlines()[1].strip()
        raise InputError(f"{path}: its weights do not fit its description: {reason}") from None
    return model.to(device).eval(), info


def read_model(
    checkpoint: Mapping[str, Any], source: str
) -> tuple[ModelInfo, dict[str, torch.Tensor]]:
    """Description and weights in a loaded checkpoint.

    Raises:
        InputError: it holds none.
    """
    if not is_model(checkpoint):
        raise InputError(f"{source}: not a BodyPoseNet model of this project")
    state = {name.removeprefix("model."): w for name, w in checkpoint["state_dict"].items()}
    return ModelInfo.from_tree(checkpoint[_KEY], source), state


def is_model(checkpoint: Mapping[str, Any]) -> bool:
    """Whether a loaded checkpoint is one of this project's networks."""
    return _KEY in checkpoint and "state_dict" in checkpoint


def describe(info: ModelInfo) -> dict[str, Any]:
    """The entry that a training checkpoint carries beside its weights."""
    return {_KEY: info.as_tree()}
