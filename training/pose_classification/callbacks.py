"""What happens beside the training: checkpoints, status lines, curves, averaged weights."""

from __future__ import annotations

import logging
import time
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import Checkpoint, WeightAveraging
from torch import Tensor
from torch.optim.swa_utils import get_ema_multi_avg_fn

from training.common.checkpoint import update_latest
from training.common.status import Status, StatusFile
from training.pose_classification.module import PoseClassifier
from training.pose_classification.plots import save_curves

logger = logging.getLogger(__name__)

Tensors = tuple[Tensor, ...] | list[Tensor]

LATEST = "pc_model_latest.pth"


class Checkpoints(Checkpoint):
    """Keeps a checkpoint every so many epochs or steps, and one of the last epoch.

    They are named like TAO's: ``model_epoch_000.pth``, and ``model_epoch_000_step_00007.pth`` when
    counted in steps; ``pc_model_latest.pth`` points to the newest.

    Args:
        directory: Where they go.
        interval: Epochs or steps between two.
        unit: What ``interval`` counts, "epoch" or "step".
    """

    def __init__(self, directory: Path, interval: int, unit: str) -> None:
        self.directory = directory
        self.interval = interval
        self.unit = unit

    def on_train_batch_end(self, trainer: Trainer, *_: Any) -> None:
        """Save in the middle of an epoch; its last step is left to the end of the epoch."""
        last = trainer.fit_loop.epoch_loop.batch_progress.is_last_batch
        if self.unit == "step" and not last and trainer.global_step % self.interval == 0:
            self._save(trainer)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Save at the end of an epoch."""
        count = trainer.current_epoch + 1 if self.unit == "epoch" else trainer.global_step
        if count % self.interval == 0 or trainer.current_epoch + 1 == trainer.max_epochs:
            self._save(trainer)

    def _save(self, trainer: Trainer) -> None:
        step = f"_step_{trainer.global_step:05d}" if self.unit == "step" else ""
        path = self.directory / f"model_epoch_{trainer.current_epoch:03d}{step}.pth"
        trainer.save_checkpoint(path)
        if trainer.is_global_zero:
            update_latest(path, self.directory / LATEST)


class StatusLines(Callback):
    """Appends TAO's lines to ``status.json`` after every epoch.

    Args:
        status: The file.
    """

    def __init__(self, status: StatusFile) -> None:
        self.status = status
        self._began = 0.0

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start the clock; an epoch that is resumed in its middle is not started again."""
        self._began = time.monotonic()

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start the clock."""
        self._began = time.monotonic()

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write the figures of the epoch, and how long the rest will take."""
        module = cast(PoseClassifier, pl_module)
        figures = module.figures
        seconds = time.monotonic() - self._began
        epochs, steps = trainer.max_epochs or 0, module.steps_per_epoch
        epoch = trainer.current_epoch
        self.status.write(
            Status.RUNNING,
            "Training loop in progress",
            epoch=epoch,
            step=trainer.global_step,
            max_epoch=epochs - 1,
            max_step=epochs * steps,
            time_per_epoch=str(timedelta(seconds=seconds)),
            time_per_step=str(timedelta(seconds=seconds / steps)),
            eta=str(timedelta(seconds=seconds * (epochs - 1 - epoch))),
        )
        if trainer.progress_bar_callback is None and trainer.is_global_zero:
            shown = ", ".join(f"{name} {value:.4g}" for name, value in figures.items())
            logger.info("Epoch %d of %d: %s", epoch + 1, epochs, shown)
        for title, part in (("Train", "train"), ("Eval", "val")):
            if f"{part}_loss" in figures:
                kpi = {
                    f"{part}_loss": figures[f"{part}_loss"],
                    f"{part}_acc": figures[f"{part}_acc_1"],
                }
                self.status.write(
                    Status.RUNNING, f"{title} metrics generated.", kpi=kpi, epoch=epoch
                )


class Curves(Callback):
    """Collects the figures of all epochs, over resumed runs too, and draws them at the end.

    Args:
        path: The PNG.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.history: list[dict[str, float]] = []

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Remember the figures of the epoch."""
        self.history.append(
            {"epoch": trainer.current_epoch, **cast(PoseClassifier, pl_module).figures}
        )

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Draw."""
        if trainer.is_global_zero and self.history:
            save_curves(self.history, self.path)

    def state_dict(self) -> dict[str, Any]:
        """For the checkpoint."""
        return {"history": self.history}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """From the checkpoint."""
        self.history = list(state_dict["history"])


class MovingAverage(WeightAveraging):
    """Keeps an exponential moving average of the weights, which is validated and saved.

    The decay grows with the steps, as ``(1 + n) / (10 + n)`` up to its limit, so that the first
    weights are soon forgotten in short runs.

    Args:
        decay: Limit of the decay.
    """

    def __init__(self, decay: float) -> None:
        def average(averaged: Tensors, current: Tensors, count: Tensor | int) -> None:
            steps = int(count)
            step_decay = min(decay, (1 + steps) / (10 + steps))
            get_ema_multi_avg_fn(step_decay)(averaged, current, count)  # type: ignore[no-untyped-call]  # torch has no types here

        super().__init__(multi_avg_fn=average)

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Keep the average where the model will be, not where it is before the start."""
        self._device = trainer.strategy.root_device
        super().setup(trainer, pl_module, stage)
