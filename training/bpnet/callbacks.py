"""What happens beside the training: checkpoints, status lines, progress, pictures."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import Checkpoint
from lightning.pytorch.loggers import TensorBoardLogger

from training.bpnet.module import PoseTrainer
from training.common.checkpoint import update_latest
from training.common.status import Status, StatusFile

logger = logging.getLogger(__name__)

LATEST = "bpnet_latest.pth"


class Checkpoints(Checkpoint):
    """Keeps `model.epoch-N.pth` after every so many epochs.

    Args:
        directory: where they go.
        interval: epochs between two.
        keep: number of checkpoints; older ones are deleted.
        first_epoch: epochs that were done before, see `finetuning_config`.
    """

    def __init__(self, directory: Path, interval: int, keep: int, first_epoch: int = 0) -> None:
        self.directory, self.interval, self.keep = directory, interval, keep
        self.first_epoch = first_epoch

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Save, point to the newest, delete the oldest."""
        done = trainer.current_epoch + 1
        if done % self.interval:
            return
        path = self.directory / f"model.epoch-{self.first_epoch + done}.pth"
        trainer.save_checkpoint(path)
        if trainer.is_global_zero:
            update_latest(path, self.directory / LATEST)
            for old in checkpoints(self.directory)[: -self.keep]:
                old.unlink()


def checkpoints(directory: Path) -> Sequence[Path]:
    """The checkpoints of a folder, oldest first."""
    found = directory.glob("model.epoch-*.pth")
    return sorted(found, key=lambda path: int(path.stem.rsplit("-", 1)[1]))


class StatusLines(Callback):
    """A line in `status.json` after every epoch, with TAO's keys.

    Args:
        status: the file.
    """

    def __init__(self, status: StatusFile) -> None:
        self.status = status
        self._began = 0.0

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start the clock."""
        self._began = time.monotonic()

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write the figures of the epoch, and how long the rest will take."""
        seconds = time.monotonic() - self._began
        epoch, epochs = trainer.current_epoch, trainer.max_epochs or 0
        self.status.write(
            Status.RUNNING,
            "Training loop in progress",
            kpi=cast(PoseTrainer, pl_module).figures,
            epoch=epoch,
            step=trainer.global_step,
            max_epoch=epochs - 1,
            time_per_epoch=str(timedelta(seconds=seconds)),
            eta=str(timedelta(seconds=seconds * (epochs - 1 - epoch))),
        )


class ProgressLog(Callback):
    """A line in the log every so many seconds.

    Args:
        seconds: between two.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._began, self._first, self._last = 0.0, 0, 0.0

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start the clock."""
        self._began = self._last = time.monotonic()
        self._first = trainer.global_step

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *_: Any) -> None:
        """Say where the training is."""
        now = time.monotonic()
        if now - self._last < self.seconds or not trainer.is_global_zero:
            return
        self._last = now
        module = cast(PoseTrainer, pl_module)
        steps = (trainer.max_epochs or 0) * module.steps_per_epoch
        done = trainer.global_step - self._first
        left = (now - self._began) / done * (steps - trainer.global_step)
        logger.info(
            "epoch %d of %d, step %d of %d: loss %.4g, learning rate %.3g, %s left",
            trainer.current_epoch + 1,
            trainer.max_epochs,
            trainer.global_step,
            steps,
            module.figures["loss"],
            module.figures["learning_rate"],
            timedelta(seconds=round(left)),
        )


class Pictures(Callback):
    """Input, labels and last stage's heatmaps of a sample as TensorBoard images.

    Args:
        interval: steps between two.
    """

    def __init__(self, interval: int) -> None:
        self.interval = interval

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *_: Any) -> None:
        """Write them."""
        module, board = cast(PoseTrainer, pl_module), trainer.logger
        if trainer.global_step % self.interval or not isinstance(board, TensorBoardLogger):
            return
        if module.last_step is None:
            return
        batch, maps = module.last_step
        wanted = batch["labels"][0, maps.pafs.shape[1] : -1].max(dim=0).values
        found = maps.heatmaps[0, :-1].max(dim=0).values
        for name, picture in (
            ("input", _unit(batch["image"][0])),
            ("labels", wanted[None].float().clamp(0, 1)),
            ("heatmaps", found[None].float().clamp(0, 1)),
        ):
            board.experiment.add_image(name, picture.cpu().numpy(), trainer.global_step)


def _unit(image: torch.Tensor) -> torch.Tensor:
    """Stretch to 0..1."""
    low, high = image.min(), image.max()
    return (image - low) / (high - low + 1e-6)
