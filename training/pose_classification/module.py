"""The network with its loss, optimiser and figures, as a Lightning module."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from lightning.pytorch import LightningModule
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import SGD
from torch.optim.lr_scheduler import LambdaLR, ReduceLROnPlateau

from converter import InputError
from training.pose_classification.metadata import CHECKPOINT_KEY, ModelMetadata
from training.pose_classification.schedule import make_scheduler
from training.pose_classification.spec import TrainSpec

Batch = tuple[Tensor, Tensor]


def average_clips(model: nn.Module, clips: Tensor) -> Tensor:
    """Mean logits of the clips of each sequence.

    Args:
        model: Takes (N, C, T, V, M), returns (N, classes).
        clips: (N, K, C, T, V, M).

    Returns:
        (N, classes).
    """
    logits: Tensor = model(clips.flatten(0, 1))
    return logits.reshape(*clips.shape[:2], -1).mean(dim=1)


class PoseClassifier(LightningModule):
    """Trains a network with SGD and cross-entropy.

    Logs ``train_loss``, ``train_acc_1``, ``val_loss``, ``val_acc_1`` and ``lr`` once an epoch.
    Losses logged are per sequence; accuracies are 0..1.

    Args:
        model: Takes (N, C, T, V, M), returns (N, classes).
        train_spec: Section ``train`` of the spec.
        seed: Base of all randomness.
        steps_per_epoch: Batches in an epoch.
        metadata: Facts that go into every checkpoint.

    Attributes:
        figures: What was logged in this epoch, by name.
    """

    def __init__(
        self,
        model: nn.Module,
        train_spec: TrainSpec,
        seed: int,
        steps_per_epoch: int,
        metadata: ModelMetadata,
    ) -> None:
        super().__init__()
        self.model = model
        self.train_spec = train_spec
        self.seed = seed
        self.steps_per_epoch = steps_per_epoch
        self.metadata = metadata
        self.figures: dict[str, float] = {}
        self.loss = nn.CrossEntropyLoss(label_smoothing=train_spec.label_smoothing)
        # Loss, hits and sequences so far, kept in checkpoints: an epoch resumed in its middle
        # ends with the figures of the whole epoch.
        self._train_sums = torch.zeros(3, dtype=torch.float64)
        self._val_sums = torch.zeros(3, dtype=torch.float64)
        self._rate = 0.0
        self._plateau: ReduceLROnPlateau | None = None
        self._plateau_state: dict[str, Any] | None = None

    def configure_optimizers(self) -> Any:
        """SGD and the scheduler; AutoReduce is stepped here, before checkpoints are written."""
        spec = self.train_spec
        optimizer = SGD(
            self.parameters(),
            lr=spec.optim.lr,
            momentum=spec.optim.momentum,
            nesterov=spec.optim.nesterov,
            weight_decay=spec.optim.weight_decay,
        )
        scheduler = make_scheduler(optimizer, spec.optim, self.steps_per_epoch, spec.num_epochs)
        if isinstance(scheduler, LambdaLR):
            return [optimizer], [{"scheduler": scheduler, "interval": "step"}]
        if self._plateau_state:
            scheduler.load_state_dict(self._plateau_state)
        self._plateau = scheduler
        return optimizer

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        """Make dropout a function of seed, epoch and batch, so that resumed runs repeat it."""
        if batch_idx == 0:
            self.figures = {}
            self._train_sums = torch.zeros(3, dtype=torch.float64, device=self.device)
        self._rate = self.trainer.optimizers[0].param_groups[0]["lr"]
        key = (self.seed, self.current_epoch, batch_idx, self.global_rank)
        torch.manual_seed(int(np.random.SeedSequence(key).generate_state(1, np.uint64)[0]))

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Mean loss of a batch (N, C, T, V, M) with ids (N,).

        Raises:
            InputError: It is one pose, which has no variance to normalise by.
        """
        samples, ids = batch
        if samples[:, 0, :, 0].numel() == 1:
            raise InputError(
                "a batch is one sequence of one frame, too little for batch normalisation: raise "
                "dataset.batch_size, or take such sequences out of dataset.train_dataset"
            )
        logits = self.model(samples)
        loss: Tensor = self.loss(logits, ids)
        running = self._train_sums.to(self.device) + _sums(loss, logits, ids)
        self._train_sums = running
        self.log("loss", loss.detach(), prog_bar=True, logger=False)
        self.log("acc", (running[1] / running[2]).float(), prog_bar=True, logger=False)
        return loss

    def on_train_batch_end(self, outputs: Any, batch: Batch, batch_idx: int) -> None:
        """Log the epoch after its last batch, before the validation."""
        if not self.trainer.fit_loop.epoch_loop.batch_progress.is_last_batch:
            return
        self._log_epoch("train", self._train_sums)
        self._log("lr", self._rate)
        if not math.isfinite(self.figures["train_loss"]):
            raise InputError(
                f"the training loss is {self.figures['train_loss']} in epoch {self.current_epoch}: "
                "lower train.optim.lr, or set train.grad_clip"
            )

    def on_train_epoch_end(self) -> None:
        """Let AutoReduce see the epoch, if it had the figure that is watched."""
        watched = self.figures.get(self.train_spec.optim.lr_monitor)
        if self._plateau is not None and watched is not None:
            self._plateau.step(watched)

    def on_validation_epoch_start(self) -> None:
        """Begin the sums anew."""
        self._val_sums = torch.zeros(3, dtype=torch.float64, device=self.device)

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Add a batch of clips (N, K, C, T, V, M) with ids (N,)."""
        clips, ids = batch
        logits = average_clips(self.model, clips)
        self._val_sums += _sums(functional.cross_entropy(logits.float(), ids), logits, ids)

    def on_validation_epoch_end(self) -> None:
        """Log the validation."""
        self._log_epoch("val", self._val_sums)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add the facts, the sums of a running epoch and the state of AutoReduce."""
        checkpoint[CHECKPOINT_KEY] = self.metadata.as_dict()
        checkpoint["train_sums"] = self._over_all_processes(self._train_sums).cpu()
        checkpoint["steps_per_epoch"] = self.steps_per_epoch
        if self._plateau is not None:
            checkpoint["plateau"] = self._plateau.state_dict()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take sums and state up again; the sums of all processes go on in the first."""
        if self.global_rank == 0:
            self._train_sums = checkpoint["train_sums"]
        self._plateau_state = checkpoint.get("plateau")

    def _over_all_processes(self, sums: Tensor) -> Tensor:
        total: Tensor = self.trainer.strategy.reduce(sums.clone(), reduce_op="sum")
        return total

    def _log_epoch(self, part: str, sums: Tensor) -> None:
        loss, hits, count = self._over_all_processes(sums).tolist()
        self._log(f"{part}_loss", loss / count)
        self._log(f"{part}_acc_1", hits / count)

    def _log(self, name: str, value: float) -> None:
        self.figures[name] = value
        self.log(name, value, on_step=False, on_epoch=True)


def _sums(loss: Tensor, logits: Tensor, ids: Tensor) -> Tensor:
    """Loss, hits and sequences of a batch, float64 (3,)."""
    count = len(ids)
    hits = (logits.argmax(dim=1) == ids).sum()
    return torch.stack([loss.detach().double() * count, hits.double(), loss.new_full((), count)])
