"""Putting a trained network into the model repository of Triton, with its number of classes."""

from __future__ import annotations

import logging
import re
from pathlib import Path

from converter import InputError
from training.common.results import write_atomic
from training.pose_classification.onnx_model import INPUT, OUTPUT, InputShape

ENSEMBLE = "pose_classification"

logger = logging.getLogger(__name__)


def ensemble_name(pose_type: str) -> str:
    """Return the name of the ensemble that serves a pose type."""
    return ENSEMBLE if pose_type == "3dbp" else f"{ENSEMBLE}_{pose_type}"


def network_name(pose_type: str) -> str:
    """Return the name of the network of a pose type."""
    return f"{ensemble_name(pose_type)}_tao"


def served_file(repository: Path, pose_type: str, shape: InputShape) -> Path:
    """Find out where Triton takes the network of a pose type from.

    Args:
        repository: the folder `model_repository`, or a copy of it.
        pose_type: `3dbp`, `25dbp` or `2dbp`.
        shape: what the network is fed.

    Raises:
        InputError: not such a repository, or what it serves is fed otherwise.
    """
    _read(repository / ensemble_name(pose_type) / "config.pbtxt")
    path = repository / network_name(pose_type) / "config.pbtxt"
    found = re.search(rf'name: "{INPUT}"[^}}]*dims: \[ ([^\]]*) \]', _read(path))
    served = found[1] if found else "nothing"
    wanted = f"{shape.channels}, {shape.frames or -1}, {shape.joints}, {shape.persons}"
    if served != wanted:
        raise InputError(
            f"{path}: takes [{served}] (channels, frames or -1 for any number, joints, persons), "
            f"the network [{wanted}]: train and export for what is served, or set "
            "export.onnx_file instead of export.triton"
        )
    return path.parent / "1" / "model.onnx"


def state_classes(repository: Path, pose_type: str, count: int) -> None:
    """Write the number of classes into all configurations of a network and of its ensemble.

    Raises:
        InputError: one of them cannot be read.
    """
    network = repository / network_name(pose_type)
    ensemble = repository / ensemble_name(pose_type)
    for path in (ensemble / "config.pbtxt", *sorted(network.glob("**/*.pbtxt"))):
        text = _read(path)
        entry = rf'(name: "(?:{OUTPUT}|logits)"[^}}]*dims: \[ )\d+ \]'
        stated = re.sub(entry, rf"\g<1>{count} ]", text)
        if stated != text:
            write_atomic(path, stated.encode())


def remove_int8(network: Path) -> None:
    """Remove the INT8 form beside a network: it is that of the network before."""
    for path in (network.with_suffix(".int8.onnx"), network.with_suffix(".int8.json")):
        if path.exists():
            path.unlink()
            logger.info("%s: removed, it was made from the network that is replaced", path)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"{path}: cannot read it ({error.strerror}): set export.triton to model_repository "
            "or a copy of it"
        ) from None
