"""The progress bar of a training, for terminals."""

from __future__ import annotations

import math
import time
from datetime import timedelta
from typing import Any, Protocol, cast

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import RichProgressBar


class Trained(Protocol):
    """What the bar asks of a task's module.

    Attributes:
        figures: of the epoch; the bar shows those of the validation.
        steps_per_epoch: of one process.
    """

    figures: dict[str, float]
    steps_per_epoch: int


class TrainingBar(RichProgressBar):
    """Steps of the epoch, its running figures, the last validation, and the time left for all."""

    def __init__(self) -> None:
        super().__init__(refresh_rate=1, console_kwargs={"stderr": True})
        self._began = (0.0, 0)

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start the clock."""
        super().on_train_start(trainer, pl_module)
        self._began = (time.monotonic(), trainer.global_step)

    def get_metrics(self, trainer: Trainer, pl_module: LightningModule) -> Any:
        """Figures logged with `prog_bar`, the last validation, and the time left."""
        module = cast(Trained, pl_module)
        metrics = super().get_metrics(trainer, pl_module)
        metrics.pop("v_num", None)
        shown = {**metrics, **{k: v for k, v in module.figures.items() if k.startswith("val_")}}
        start, first = self._began
        if done := trainer.global_step - first:
            left = (trainer.max_epochs or 0) * module.steps_per_epoch - trainer.global_step
            seconds = math.ceil((time.monotonic() - start) / done * left)
            shown["left"] = str(timedelta(seconds=seconds))
        return shown

    def _get_train_description(self, current_epoch: int) -> str:
        """Epochs count from 1, as in the log; as wide as the title of the validation's bar."""
        text = f"Epoch {current_epoch + 1}/{self.trainer.max_epochs}"
        return text.ljust(len(self.validation_description))
