"""A trained network in whatever file it comes: this project's model or an ONNX export."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

from converter import InputError
from converter.bodypose.photo import Normaliser
from training.bpnet.arrays import Array
from training.bpnet.dataloader_spec import NormalizationParams
from training.bpnet.inference_spec import InferenceSpec
from training.bpnet.pose_config import PoseConfig
from training.bpnet.saved_model import load_model
from training.bpnet.spec import TrainSpec
from training.common.onnx_session import open_session
from training.common.spec import load_spec, make_spec

logger = logging.getLogger(__name__)


class Network(Protocol):
    """Maps of an image.

    Attributes:
        pose: joints and limbs.
        fixed_shape: the only input height and width it takes, or None.
    """

    pose: PoseConfig
    fixed_shape: tuple[int, int] | None

    def __call__(self, image: Array) -> tuple[Array, Array]:
        """(H, W, 3) uint8 RGB -> heatmaps (h, w, V + 1), PAFs (h, w, 2K), float32."""


class TorchNetwork:
    """A `.pth` model or checkpoint.

    Args:
        path: the file.
        key: of an encrypted file.
        stage: whose maps are used, from 1; None: the last.
    """

    fixed_shape: tuple[int, int] | None = None

    def __init__(self, path: Path, key: str | None, stage: int | None) -> None:
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.model, info = load_model(path, key, self.device)
        if stage is not None and stage > self.model.num_stages:
            raise InputError(
                f"output_stage_to_use is {stage}, but {path} has {self.model.num_stages} stages"
            )
        self.pose, self.stage = info.pose, stage or self.model.num_stages
        self.normalise = Normaliser(info.normalization)

    @torch.inference_mode()
    def __call__(self, image: Array) -> tuple[Array, Array]:
        """See `Network`."""
        tensor = torch.from_numpy(self.normalise(image).transpose(2, 0, 1)[None]).to(self.device)
        maps = self.model(tensor)[self.stage - 1]
        heatmaps, pafs = (m[0].permute(1, 2, 0).float().cpu().numpy() for m in maps)
        return heatmaps, pafs


class OnnxNetwork:
    """An exported `.onnx`, run by ONNX Runtime.

    Args:
        path: the file.
        spec: where a file without our metadata gets joints and normalisation from.
    """

    def __init__(self, path: Path, spec: InferenceSpec) -> None:
        self.session = open_session(path, gpu=0)
        metadata = self.session.get_modelmeta().custom_metadata_map
        self.pose, normalization = _description(metadata, spec, path)
        self.normalise = Normaliser(normalization)
        entry = self.session.get_inputs()[0]
        self.input, shape = entry.name, entry.shape
        if len(shape) != 4 or 3 not in (shape[1], shape[3]):
            raise InputError(f"{path}: its input {shape} is not an image, NHWC or NCHW")
        self.is_nhwc = shape[3] == 3
        sides = shape[1:3] if self.is_nhwc else shape[2:4]
        fixed = all(isinstance(side, int) for side in sides)
        self.fixed_shape: tuple[int, int] | None = (sides[0], sides[1]) if fixed else None
        self.outputs = self._outputs(path)

    def __call__(self, image: Array) -> tuple[Array, Array]:
        """See `Network`."""
        tensor = self.normalise(image)
        tensor = tensor if self.is_nhwc else tensor.transpose(2, 0, 1)
        maps = self.session.run(self.outputs, {self.input: tensor[None]})
        heatmaps, pafs = (m[0] if self.is_nhwc else m[0].transpose(1, 2, 0) for m in maps)
        if heatmaps.shape[:2] != pafs.shape[:2]:
            raise InputError(
                "the model's PAFs are enlarged for TAO's SDK: export it without "
                "--sdk_compatible_model"
            )
        return np.ascontiguousarray(heatmaps), np.ascontiguousarray(pafs)

    def _outputs(self, path: Path) -> list[str]:
        axis = 3 if self.is_nhwc else 1
        channels = {item.name: item.shape[axis] for item in self.session.get_outputs()}
        return map_outputs(channels, self.pose, path)


def map_outputs(channels: Mapping[str, Any], pose: PoseConfig, path: Path) -> list[str]:
    """Names of the outputs with the heatmaps and with the PAFs.

    Args:
        channels: of each output. Where they do not tell the two apart, as with three joints and
            two limbs, the heatmaps are those that are called so.
        pose: joints and limbs.
        path: of the model, for the message.

    Raises:
        InputError: an output is missing.
    """
    wanted = pose.heatmap_channels, pose.paf_channels
    heatmaps, pafs = ([name for name in channels if channels[name] == count] for count in wanted)
    if heatmaps == pafs:
        heatmaps = [name for name in pafs if name.startswith("heatmap")]
        pafs = [name for name in pafs if name not in heatmaps]
    if not (heatmaps and pafs):
        raise InputError(
            f"{path}: its outputs have {sorted(map(str, channels.values()))} channels, the pose "
            f"config makes {wanted[0]} heatmaps and {wanted[1]} PAFs"
        )
    return [heatmaps[0], pafs[0]]


def load_network(path: Path, spec: InferenceSpec, key: str | None = None) -> Network:
    """Open a model by its suffix: `.onnx`, `.engine`/`.plan`, else this project's own.

    Raises:
        InputError: there is no such file, or it is not such a network.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file; name the model with -m or model_path")
    suffix = path.suffix.lower()
    if suffix in (".onnx", ".engine", ".plan") and spec.output_stage_to_use is not None:
        raise InputError(f"output_stage_to_use: {path} has only its last stage")
    if suffix == ".onnx":
        return OnnxNetwork(path, spec)
    if suffix in (".engine", ".plan"):
        from training.bpnet.network_tensorrt import TensorrtNetwork

        sidecar = path.with_suffix(".json")  # of the ONNX that the engine was built from
        facts = json.loads(sidecar.read_text(encoding="utf-8")) if sidecar.is_file() else {}
        return TensorrtNetwork(path, *_description(facts, spec, path))
    return TorchNetwork(path, key, spec.output_stage_to_use)


def _description(
    metadata: Mapping[str, Any], spec: InferenceSpec, path: Path
) -> tuple[PoseConfig, NormalizationParams]:
    """Joints and normalisation: from the file itself, else from the train spec."""
    if "pose_config" in metadata:
        source = str(path)
        normalization = json.loads(metadata["normalization"])
        return (
            PoseConfig.from_document(json.loads(metadata["pose_config"]), source),
            make_spec(NormalizationParams, normalization, source=source),
        )
    if not spec.train_spec:
        logger.warning("%s: says no joints and there is no train_spec: using the 18 joints", path)
        return PoseConfig.load(), NormalizationParams()
    train = load_spec(spec.train_spec, TrainSpec).dataloader
    return PoseConfig.load(train.pose_config.pose_config_path), train.normalization_params
