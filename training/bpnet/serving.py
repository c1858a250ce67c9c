"""Putting a trained network into the model repository of the Triton ensemble `bodypose`."""

from __future__ import annotations

import re
from pathlib import Path

from converter import InputError
from training.bpnet.export import INPUT, LIMBS, PEAKS, ExportOptions, export
from training.bpnet.model import BodyPoseNet
from training.bpnet.saved_model import ModelInfo

NETWORK = "bodypose_net"


def install(model: BodyPoseNet, info: ModelInfo, repository: Path) -> tuple[Path, float]:
    """Export a network, with peaks and limb scores in its graph, to where Triton serves it.

    The sizes are those of the repository's `bodypose_net/config.pbtxt`.

    Args:
        model: the trained network.
        info: what it is.
        repository: the folder `model_repository_bodypose`, or a copy of it.

    Returns:
        The file, and what `export` returns.

    Raises:
        InputError: not such a repository, or it serves networks of other joints or limbs.
    """
    path = repository / NETWORK / "config.pbtxt"
    try:
        config = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"{path}: cannot read it ({error.strerror}): give a copy of model_repository_bodypose"
        ) from None
    height, width, _ = _dims(config, INPUT, path)
    joints, candidates, _ = _dims(config, PEAKS, path)
    limbs = _dims(config, LIMBS, path)[0]
    pose = info.pose
    if (joints, limbs) != (pose.num_joints, len(pose.limbs)):
        raise InputError(
            f"{path}: serves {joints} joints and {limbs} limbs, the network has {pose.num_joints} "
            f"and {len(pose.limbs)}: change the sizes in the config.pbtxt of {repository}"
        )
    target = repository / NETWORK / "1" / "model.onnx"
    options = ExportOptions(height, width, people=candidates)
    return target, export(model, info, options, target)


def _dims(config: str, tensor: str, path: Path) -> tuple[int, int, int]:
    entry = rf'name: "{re.escape(tensor)}"[^}}]*?dims: \[ (\d+), (\d+), (\d+) \]'
    found = re.search(entry, config)
    if found is None:
        raise InputError(f"{path}: tensor {tensor} with three sizes is missing")
    return int(found[1]), int(found[2]), int(found[3])
