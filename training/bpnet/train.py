"""The task `train`."""

from __future__ import annotations

import logging
import math
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Callback, LightningDataModule, Trainer, seed_everything
from lightning.pytorch.loggers import TensorBoardLogger
from torch.utils.data import DataLoader

from converter import InputError
from training.bpnet.callbacks import Checkpoints, Pictures, ProgressLog, StatusLines
from training.bpnet.data import PoseDataset, Sample, make_loader
from training.bpnet.dataloader_spec import DataloaderSpec, LabelProcessorConfig
from training.bpnet.inference_spec import InferenceSpec
from training.bpnet.model import BodyPoseNet
from training.bpnet.module import PoseTrainer
from training.bpnet.pose_config import PoseConfig
from training.bpnet.pretrained import load_pretrained
from training.bpnet.saved_model import ModelInfo, read_model, save_model
from training.bpnet.spec import AdamW, TrainSpec
from training.common.checkpoint import EncryptedCheckpointIO, find_latest, load_checkpoint
from training.common.loader_errors import one_line_errors
from training.common.results import ResultsDir, open_folder
from training.common.spec import load_spec
from training.common.training_bar import TrainingBar

logger = logging.getLogger(__name__)

FINAL = "bpnet_model.pth"

_PRECISIONS: dict[str, Any] = {"32": "32-true", "bf16": "bf16-mixed", "16": "16-mixed"}

# Of Lightning's warnings, those that no user can or need act upon.
_REMARKS = (
    ".*does not have many workers.*",
    ".*num_workers.*",
    ".*weights_only.*",
    ".*smaller than the logging interval.*",
    ".*LeafSpec.*",
    ".*across ranks is zero.*",
)


class PoseData(LightningDataModule):
    """Training and validation batches of each process."""

    def __init__(self, spec: TrainSpec, pose: PoseConfig) -> None:
        super().__init__()
        self.spec = spec.dataloader
        seed, compat = spec.random_seed, spec.compat
        self.train = PoseDataset(self.spec, pose, True, seed, compat)
        if not len(self.train):
            raise InputError("dataloader.dataset_config.train_records_path: holds no records")
        self.val = None
        if self.spec.dataset_config.val_records_path:
            self.val = PoseDataset(self.spec, pose, False, seed, compat)

    def steps_per_epoch(self, world_size: int) -> int:
        """Steps of one process in an epoch."""
        return math.ceil(len(self.train) // world_size / self.spec.batch_size)

    def train_dataloader(self) -> DataLoader[Sample]:
        """This process's part of the training records."""
        return self._loader(self.train, train=True)

    def val_dataloader(self) -> Any:
        """This process's part of the validation records, if there are any."""
        return [] if self.val is None else self._loader(self.val, train=False)

    def _loader(self, dataset: PoseDataset, train: bool) -> DataLoader[Sample]:
        if self.trainer is None:
            raise RuntimeError("loaders are made for a trainer")
        rank, world_size = self.trainer.global_rank, self.trainer.world_size
        return make_loader(dataset, self.spec, train, rank, world_size)


def run(spec: TrainSpec, results: ResultsDir, key: str | None = None, num_gpus: int = 1) -> None:
    """Train, or go on with a training that was interrupted.

    Args:
        spec: the train spec.
        results: where everything goes; a checkpoint there is gone on from.
        key: encrypts checkpoints and the model.
        num_gpus: processes; on a machine without GPUs they run on the CPU.

    Raises:
        InputError: the spec, the data or a checkpoint cannot be used.
    """
    seed_everything(spec.random_seed, verbose=False)
    if spec.inference_spec:
        load_spec(spec.inference_spec, InferenceSpec)
    pose = PoseConfig.load(spec.dataloader.pose_config.pose_config_path)
    data = PoseData(spec, pose)
    for remark in remarks(spec.dataloader, data.train):
        logger.warning("%s", remark)
    model, info = _network(spec, pose, key)
    resume = find_latest(results.path)
    if resume is not None:
        _check_resume(resume, key, model, spec.num_epoch)
        logger.info("Going on from %s", resume)
    else:
        _start_weights(model, spec, key)
    module = PoseTrainer(model, info, spec, data.steps_per_epoch(num_gpus), num_gpus)
    trainer = _trainer(spec, results, num_gpus, key)
    open_folder(results.path, spec.model_dump(mode="json"))  # only now, when nothing was refused
    with one_line_errors():
        trainer.fit(module, data, ckpt_path=resume)
    if trainer.is_global_zero:
        save_model(results.path / FINAL, model, info, key)


def remarks(spec: DataloaderSpec, data: PoseDataset) -> Iterator[str]:
    """What a spec says that has no effect, a line each."""
    usual = LabelProcessorConfig().paf_gaussian_sigma
    if spec.label_processor_config.paf_gaussian_sigma != usual:
        yield (
            "label_processor_config.paf_gaussian_sigma has no effect, as in TAO: the width of a "
            "limb's field is paf_ortho_dist_thresh"
        )
    said, path = spec.image_config.image_encoding, data.records[0].image_path
    found = Path(path).suffix.lower().lstrip(".")
    if {"jpeg": "jpg"}.get(said, said) != {"jpeg": "jpg"}.get(found, found):
        yield (
            f"image_config.image_encoding is {said}, but the records have {path}: images are "
            "decoded by their content"
        )


def _network(spec: TrainSpec, pose: PoseConfig, key: str | None) -> tuple[BodyPoseNet, ModelInfo]:
    """The network of the spec, as narrow as the pruned one where `load_graph` is set."""
    widths: dict[str, int] = {}
    if spec.load_graph:
        if not spec.pretrained_weights:
            raise InputError("load_graph needs the pruned model in pretrained_weights")
        checkpoint = load_checkpoint(Path(spec.pretrained_weights), key)
        widths = dict(read_model(checkpoint, spec.pretrained_weights)[0].widths)
    info = ModelInfo(spec.model, pose, spec.dataloader.normalization_params, widths)
    return info.build(), info


def _start_weights(model: BodyPoseNet, spec: TrainSpec, key: str | None) -> None:
    tuning = spec.finetuning_config
    source = tuning.checkpoint_path if tuning.is_finetune_exp else spec.pretrained_weights
    if source:
        load_pretrained(model, source, spec.dataloader.normalization_params, key)


def _check_resume(path: Path, key: str | None, model: BodyPoseNet, num_epoch: int) -> None:
    checkpoint = load_checkpoint(path, key)
    if "optimizer_states" not in checkpoint:
        raise InputError(f"{path}: holds no training to resume; use another results folder")
    stored = {name: w.shape for name, w in read_model(checkpoint, str(path))[1].items()}
    wanted = {name: w.shape for name, w in model.state_dict().items()}
    if stored != wanted:
        name = sorted(set(stored.items()) ^ set(wanted.items()))[0][0]
        raise InputError(
            f"{path}: belongs to another network ({name} differs); use another results folder"
        )
    done = checkpoint["epoch"] + 1
    if done > num_epoch:
        raise InputError(
            f"{path}: has {done} epochs, num_epoch is {num_epoch}; raise it, or use another "
            "results folder"
        )


def _trainer(spec: TrainSpec, results: ResultsDir, num_gpus: int, key: str | None) -> Trainer:
    tuning = spec.finetuning_config
    interactive = sys.stderr.isatty()
    callbacks: list[Callback] = [
        StatusLines(results.status),
        TrainingBar() if interactive else ProgressLog(spec.log_every_n_secs),
        Checkpoints(
            results.path,
            spec.checkpoint_n_epoch,
            spec.max_ckpt_to_keep,
            tuning.ckpt_epoch_num if tuning.is_finetune_exp else 0,
        ),
    ]
    if spec.infrequent_summary_every_n_steps:
        callbacks.append(Pictures(spec.infrequent_summary_every_n_steps))
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    for message in _REMARKS:
        warnings.filterwarnings("ignore", message)
    clip = spec.optimizer.grad_clip if isinstance(spec.optimizer, AdamW) else 0.0
    return Trainer(
        **_devices(spec, num_gpus),
        precision=_PRECISIONS[spec.precision],
        max_epochs=spec.num_epoch,
        check_val_every_n_epoch=spec.validation_every_n_epoch,
        gradient_clip_val=clip or None,
        logger=TensorBoardLogger(results.path, name="lightning_logs", version=""),
        log_every_n_steps=spec.summary_every_n_steps,
        callbacks=callbacks,
        plugins=[EncryptedCheckpointIO(key)],
        use_distributed_sampler=False,
        num_sanity_val_steps=0,
        enable_progress_bar=interactive,
        enable_model_summary=False,
    )


def _devices(spec: TrainSpec, num_gpus: int) -> dict[str, Any]:
    strategy = "ddp" if num_gpus > 1 else "auto"
    if torch.cuda.is_available():
        if num_gpus > torch.cuda.device_count():
            raise InputError(
                f"--gpus {num_gpus}: this machine has {torch.cuda.device_count()} GPU(s)"
            )
        return {"accelerator": "gpu", "devices": num_gpus, "strategy": strategy}
    if spec.precision == "16":
        raise InputError("precision 16 needs a GPU; bf16 and 32 work on the CPU")
    return {"accelerator": "cpu", "devices": num_gpus, "strategy": strategy}
