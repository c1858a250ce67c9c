"""The task `train`."""

from __future__ import annotations

import logging
import os
import secrets
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Callback, Trainer, seed_everything
from lightning.pytorch.loggers import TensorBoardLogger

from converter import InputError
from training.common.checkpoint import EncryptedCheckpointIO, find_latest, load_checkpoint
from training.common.loader_errors import one_line_errors
from training.common.results import ResultsDir
from training.common.training_bar import TrainingBar
from training.pose_classification.build import build_model
from training.pose_classification.callbacks import (
    Checkpoints,
    Curves,
    MovingAverage,
    StatusLines,
)
from training.pose_classification.datamodule import PoseData
from training.pose_classification.graph import load_layout
from training.pose_classification.metadata import ModelMetadata
from training.pose_classification.module import PoseClassifier
from training.pose_classification.precision import lightning_precision
from training.pose_classification.pretrained import load_pretrained
from training.pose_classification.sequences import digest, open_dataset
from training.pose_classification.spec import ExperimentSpec, OptimSpec, TrainSpec
from training.pose_classification.transforms import Transforms

logger = logging.getLogger(__name__)

_SEED_VARIABLE = "POSE_CLASSIFICATION_SEED"  # the processes of one run share a drawn seed


def run(spec: ExperimentSpec, results: ResultsDir) -> None:
    """Train, or resume a training that was interrupted.

    Args:
        spec: The experiment.
        results: Where everything goes.

    Raises:
        InputError: The spec, the data or a checkpoint cannot be used.
    """
    seed = _seed(spec.train.seed)
    layout = load_layout(spec.model.graph_layout)
    data = PoseData(
        spec.dataset,
        Transforms.of(spec.dataset, layout),
        open_dataset(spec, "dataset.train_dataset", layout),
        open_dataset(spec, "dataset.val_dataset", layout),
        seed,
        spec.train.num_gpus * spec.train.num_nodes,
    )
    metadata = ModelMetadata.of_spec(spec, digest(spec.dataset.train_dataset))
    model = build_model(spec.model, spec.dataset.num_classes)
    resume = resume_path(spec.train, results.path)
    if resume is not None:
        _check_resume(resume, spec, model, data.steps_per_epoch)
    elif spec.model.pretrained_model_path:
        load_pretrained(model, Path(spec.model.pretrained_model_path), spec.encryption_key)
    module = PoseClassifier(model, spec.train, seed, data.steps_per_epoch, metadata)
    with one_line_errors():
        make_trainer(spec, results).fit(module, data, ckpt_path=resume)


def make_trainer(spec: ExperimentSpec, results: ResultsDir) -> Trainer:
    """Lightning's trainer as section ``train`` of the spec says.

    Raises:
        InputError: The machine does not have what the spec asks for.
    """
    train = spec.train
    torch.backends.cudnn.deterministic = train.cudnn.deterministic
    callbacks: list[Callback] = [
        StatusLines(results.status),
        Curves(results.path / "curves.png"),
        Checkpoints(results.path, train.checkpoint_interval, train.checkpoint_interval_unit),
    ]
    if train.ema_decay:
        callbacks.insert(0, MovingAverage(train.ema_decay))
    interactive = sys.stderr.isatty()
    if interactive:
        callbacks.append(TrainingBar())
    _quieten_lightning()
    return Trainer(
        **_devices(train),
        num_nodes=train.num_nodes,
        precision=lightning_precision(train.precision),
        max_epochs=train.num_epochs,
        check_val_every_n_epoch=train.validation_interval,
        gradient_clip_val=train.grad_clip or None,
        benchmark=train.cudnn.benchmark,
        logger=TensorBoardLogger(results.path, name="lightning_logs", version=""),
        log_every_n_steps=1,
        callbacks=callbacks,
        plugins=[EncryptedCheckpointIO(spec.encryption_key)],
        use_distributed_sampler=False,
        num_sanity_val_steps=0,
        enable_progress_bar=interactive,
        enable_model_summary=False,
    )


def _devices(train: TrainSpec) -> dict[str, Any]:
    """GPUs by their indices; without any, as many processes on the CPU."""
    strategy = "ddp" if train.num_gpus * train.num_nodes > 1 else "auto"
    if torch.cuda.is_available():
        present = torch.cuda.device_count()
        if max(train.gpu_ids) >= present:
            raise InputError(f"train.gpu_ids {train.gpu_ids}: this machine has {present} GPU(s)")
        return {"accelerator": "gpu", "devices": train.gpu_ids, "strategy": strategy}
    return {"accelerator": "cpu", "devices": train.num_gpus, "strategy": strategy}


def _seed(seed: int) -> int:
    """Seed everything; a negative seed draws one, the same for all processes of the run."""
    if seed < 0:
        seed = int(os.environ.setdefault(_SEED_VARIABLE, str(secrets.randbits(31))))
    seed_everything(seed, verbose=False)
    return seed


def resume_path(train: TrainSpec, directory: Path) -> Path | None:
    """The checkpoint to resume: the one that the spec names, else the latest of the folder.

    Raises:
        InputError: The named file is missing, or is no ``.pth`` or ``.tlt``.
    """
    if not train.resume_training_checkpoint_path:
        return find_latest(directory)
    path = Path(train.resume_training_checkpoint_path)
    if path.suffix not in (".pth", ".tlt"):
        raise InputError(f"train.resume_training_checkpoint_path {path}: must end in .pth or .tlt")
    if not path.is_file():
        raise InputError(f"train.resume_training_checkpoint_path {path}: no such file")
    return path


def _check_resume(
    path: Path, spec: ExperimentSpec, model: torch.nn.Module, steps_per_epoch: int
) -> None:
    """See that a checkpoint holds this training of this network, no longer than is asked for.

    Raises:
        InputError: It does not.
    """
    checkpoint = load_checkpoint(path, spec.encryption_key)
    if not {"state_dict", "optimizer_states", "loops", "train_sums"} <= checkpoint.keys():
        raise InputError(
            f"{path}: holds no training to resume; "
            "use it as model.pretrained_model_path in a new results_dir"
        )
    ModelMetadata.of_checkpoint(checkpoint, spec, str(path))
    stored = {name: tensor.shape for name, tensor in checkpoint["state_dict"].items()}
    wanted = {f"model.{name}": tensor.shape for name, tensor in model.state_dict().items()}
    for name in sorted(stored.keys() | wanted.keys()):
        if stored.get(name) != wanted.get(name):
            raise InputError(
                f"{path}: belongs to another network: {name} is {_shape(stored.get(name))}, by the "
                f"spec {_shape(wanted.get(name))}; set a new results_dir to start afresh"
            )
    _check_optimizer(path, checkpoint, spec.train.optim, steps_per_epoch)
    if spec.train.ema_decay and "averaging_state" not in checkpoint:
        raise InputError(f"{path}: was trained without train.ema_decay; set a new results_dir")
    begun, wanted_epochs = int(checkpoint["epoch"]) + 1, spec.train.num_epochs
    if begun > wanted_epochs:
        raise InputError(
            f"{path}: has {begun} epochs, train.num_epochs is {wanted_epochs}; raise it"
        )
    logger.info("Going on from %s (epoch %d of %d)", path, begun, wanted_epochs)


def _check_optimizer(
    path: Path, checkpoint: Mapping[str, Any], optim: OptimSpec, steps_per_epoch: int
) -> None:
    """See that the settings which resuming takes from the checkpoint are those of the spec.

    Raises:
        InputError: It is not.
    """
    stored = checkpoint["optimizer_states"][0]["param_groups"][0]
    stored = {**stored, "lr": stored.get("initial_lr", optim.lr)}  # AutoReduce keeps no initial one
    for name in ("lr", "momentum", "nesterov", "weight_decay"):
        if stored[name] != getattr(optim, name):
            raise InputError(
                f"{path}: was trained with train.optim.{name} {stored[name]}, the spec says "
                f"{getattr(optim, name)}; keep it, or set a new results_dir"
            )
    steps = checkpoint.get("steps_per_epoch", steps_per_epoch)
    if steps != steps_per_epoch:
        raise InputError(
            f"{path}: was trained with {steps} batches an epoch, the spec makes {steps_per_epoch}; "
            "keep data, dataset.batch_size, dataset.repeat and GPUs, or set a new results_dir"
        )


def _shape(shape: torch.Size | None) -> str:
    return "missing" if shape is None else str(tuple(shape))


def _quieten_lightning() -> None:
    """Keep only those of Lightning's warnings that a user can act upon."""
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    for message in (
        ".*does not have many workers.*",
        ".*num_workers.*",
        ".*treespec.*",
        ".*dataloader is not resumable.*",  # ours is: see `data`
        ".*sync_dist.*",  # the figures are those of all processes
    ):
        warnings.filterwarnings("ignore", message)
