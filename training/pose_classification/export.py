"""The task `export`: a checkpoint becomes an ONNX file."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import cast

import torch

from converter import InputError
from training.common.results import ResultsDir
from training.common.spec import require
from training.common.status import Status
from training.common.version import program_version
from training.pose_classification.deploy import DeployNet
from training.pose_classification.graph import load_layout, persons_of
from training.pose_classification.metadata import INT8, ModelMetadata
from training.pose_classification.onnx_model import (
    TOLERANCE,
    InputShape,
    check_onnx_path,
    largest_difference,
    to_onnx,
    write_model,
)
from training.pose_classification.pretrained import load_trained
from training.pose_classification.quantise import quantise, quantise_file, read_sequences
from training.pose_classification.serving import (
    ensemble_name,
    remove_int8,
    served_file,
    state_classes,
)
from training.pose_classification.skeleton_net import SkeletonNet
from training.pose_classification.spec import ExperimentSpec

logger = logging.getLogger(__name__)


def run(spec: ExperimentSpec, results: ResultsDir) -> None:
    """Export the network of `export.checkpoint`.

    Raises:
        InputError: no checkpoint, not that of the spec's network, the ONNX file exists, or the
            repository does not serve such networks.
    """
    checkpoint = Path(require(spec, "export.checkpoint"))
    layout = load_layout(spec.model.graph_layout)
    shape = InputShape(
        channels=spec.model.input_channels,
        joints=layout.num_joints,
        persons=spec.export.num_persons or persons_of(layout),
        frames=spec.export.sequence_length,
    )
    path = _target(spec, shape, results.path / f"{checkpoint.stem}.onnx")
    net, metadata = load_trained(checkpoint, spec)
    metadata = replace(
        metadata,
        temperature=spec.export.temperature or metadata.temperature,
        version=program_version(),
    )
    if metadata.stream != "joint" or metadata.pre_normalise or metadata.fit_box:
        changed = (
            f"{checkpoint}: was trained on poses changed by dataset.stream, dataset.pre_normalise "
            "or dataset.fit_box; whoever runs it has to change them so too, which the server does "
            "not"
        )
        if spec.export.triton:
            raise InputError(f"{changed}: set export.onnx_file instead of export.triton")
        logger.warning(changed)
    device = export_device(spec.export.gpu_id)
    calibration = None
    if spec.export.data_type == "INT8":
        calibration = Path(require(spec, "export.calibration_data"))
    trained = cast(SkeletonNet, net.to(device))
    if spec.export.triton:
        difference = _install(trained, metadata, shape, path, calibration, Path(spec.export.triton))
    else:
        difference = export_network(trained, metadata, shape, path, calibration)
    logger.info("%s: written; logits differ by %.1e of the largest", path, difference)
    if spec.export.triton:
        ensemble = ensemble_name(metadata.pose_type)
        logger.info("start the server again; then: tao_client poses.json -m %s", ensemble)
    results.status.write(
        Status.RUNNING, f"Exported to {path}.", kpi={"largest_difference": difference}
    )


def _target(spec: ExperimentSpec, shape: InputShape, default: Path) -> Path:
    """The ONNX file to write, found to be writable.

    Raises:
        InputError: it cannot be, must not be, or does not fit the repository.
    """
    named, repository = spec.export.onnx_file, spec.export.triton
    if named and repository:
        raise InputError("export.onnx_file, export.triton: set one of them, not both")
    if repository:
        path = served_file(Path(repository), spec.dataset.pose_type, shape)
        check_onnx_path(path, "export.triton")
        return path
    path = Path(named) if named else default
    check_onnx_path(path, "export.onnx_file")
    if path.exists() and not spec.export.overwrite:
        raise InputError(f"{path}: exists already; remove it or set export.overwrite=true")
    return path


def _install(
    net: SkeletonNet,
    metadata: ModelMetadata,
    shape: InputShape,
    path: Path,
    calibration: Path | None,
    repository: Path,
) -> float:
    """Replace the network of a repository, in INT8 too if there is data to calibrate on."""
    difference = export_network(net, metadata, shape, path)
    state_classes(repository, metadata.pose_type, len(metadata.classes))
    remove_int8(path)
    if calibration is not None:
        quantise_file(path, calibration, path.with_suffix(".int8.onnx"))
    return difference


def export_network(
    net: SkeletonNet,
    metadata: ModelMetadata,
    shape: InputShape,
    path: Path,
    calibration: Path | None = None,
) -> float:
    """Write a network in its deployed form, checked against itself as it was trained.

    Args:
        net: the trained network, in evaluation mode.
        metadata: its facts, for the ONNX file and the JSON beside it.
        shape: what it is fed.
        path: the ONNX file; replaced if it exists.
        calibration: .npy of sequences; the file is in INT8 then.

    Returns:
        The largest difference of a logit between ONNX Runtime and torch, relative; for INT8 that
        between it and FP32.

    Raises:
        InputError: there is nothing to calibrate on.
        RuntimeError: the difference to torch is above 1e-4, or INT8's to FP32 above 0.2; nothing
            is written.
    """
    model = to_onnx(DeployNet(net), shape)
    difference = largest_difference(model, net, shape)
    if not difference <= TOLERANCE:
        raise RuntimeError(
            f"logits of the exported network differ by {difference:.1e} of the largest, more than "
            f"{TOLERANCE:.0e}: nothing written"
        )
    if calibration is not None:
        plain, sequences = model, read_sequences(calibration, model)
        model, difference = quantise(plain, sequences)
        metadata = replace(metadata, data_type=INT8)
    write_model(model, metadata, path)
    return difference


def export_device(gpu_id: int) -> torch.device:
    """The GPU that the exported network is checked on; the CPU where there is none.

    Raises:
        InputError: there are GPUs, but not this one.
    """
    if not torch.cuda.is_available():
        return torch.device("cpu")
    if gpu_id >= torch.cuda.device_count():
        raise InputError(f"export.gpu_id: {gpu_id} is not allowed: this machine has no such GPU")
    torch.backends.cudnn.allow_tf32 = False  # it would round away what is to be compared
    return torch.device("cuda", gpu_id)
