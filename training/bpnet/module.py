"""The network in training, as a Lightning module."""

from __future__ import annotations

import math
from typing import Any

import torch
from lightning.pytorch import LightningModule
from torch.optim.lr_scheduler import LambdaLR

from converter import InputError
from training.bpnet.losses import stage_losses, weight_penalty
from training.bpnet.model import BodyPoseNet, Maps
from training.bpnet.optim import build_optimizer, learning_rate
from training.bpnet.saved_model import ModelInfo, describe
from training.bpnet.spec import TrainSpec

Batch = dict[str, torch.Tensor]


class PoseTrainer(LightningModule):
    """Losses, figures and the learning rate of a training.

    Args:
        model: the network.
        info: what it is; goes into checkpoints.
        spec: the train spec.
        steps_per_epoch: of one process.
        world_size: processes; their number scales the learning rate.

    Attributes:
        figures: of the running or last epoch: `loss`, `learning_rate` and, where it was validated,
            `val_loss`.
    """

    def __init__(
        self,
        model: BodyPoseNet,
        info: ModelInfo,
        spec: TrainSpec,
        steps_per_epoch: int,
        world_size: int = 1,
    ) -> None:
        super().__init__()
        self.memory_format = (
            torch.channels_last
            if spec.model.data_format == "channels_last"
            else torch.contiguous_format
        )
        self.model = model
        for parameter in model.parameters():
            if parameter.ndim == 4:
                parameter.data = parameter.data.contiguous(memory_format=self.memory_format)
        self.info, self.spec = info, spec
        self.steps_per_epoch, self.world_size = steps_per_epoch, world_size
        self.figures: dict[str, float] = {}
        self.last_step: tuple[Batch, Maps] | None = None
        self._sums: dict[str, tuple[float, int]] = {}

    def configure_optimizers(self) -> Any:
        """The spec's optimiser; its schedule goes on where a fine-tuned training stopped."""
        spec = self.spec
        tuning = spec.finetuning_config
        skipped = tuning.ckpt_epoch_num if tuning.is_finetune_exp else 0
        rate = learning_rate(
            spec.optimizer.learning_rate_schedule,
            (spec.num_epoch + skipped) * self.steps_per_epoch,
            self.steps_per_epoch,
            self.world_size,
        )
        offset = skipped * self.steps_per_epoch
        optimizer = build_optimizer(self.model, spec)
        scheduler = LambdaLR(optimizer, lambda step: rate(step + offset))
        return [optimizer], [{"scheduler": scheduler, "interval": "step"}]

    def training_step(self, batch: Batch, batch_idx: int) -> torch.Tensor:
        """Loss of a batch, see `PoseDataset`."""
        if batch_idx == 0:
            self._sums, self.figures = {}, {}
        stages, terms = self._losses(batch)
        penalty = weight_penalty(self.model, self.spec.model)
        loss = torch.stack([term for stage in terms for term in stage]).sum() + penalty
        self._check(loss.detach())
        group = self.trainer.optimizers[0].param_groups[0]
        rate = group["lr"] / group["initial_lr"]
        self.log("loss", loss.item(), prog_bar=True)
        scalars = {"penalty": penalty.item(), "learning_rate": rate}
        for number, stage in enumerate(terms, start=1):
            scalars[f"heatmap_loss/stage{number}"] = stage.heatmaps.item()
            scalars[f"paf_loss/stage{number}"] = stage.pafs.item()
        self.log_dict(scalars)
        self._add("loss", loss.item())
        self.figures["learning_rate"] = rate
        if self.spec.infrequent_summary_every_n_steps:
            self.last_step = batch, Maps(*(maps.detach() for maps in stages[-1]))
        return loss

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Add a batch to the validation loss, without the penalty."""
        if batch_idx == 0:
            self._sums.pop("val_loss", None)
        _, terms = self._losses(batch)
        self._add("val_loss", sum(term.item() for stage in terms for term in stage))

    def on_validation_epoch_end(self) -> None:
        """Average over all processes."""
        if "val_loss" in self.figures:
            mean = torch.tensor(self.figures["val_loss"], device=self.device)
            self.figures["val_loss"] = float(self.trainer.strategy.reduce(mean, reduce_op="mean"))
            self.log("val_loss", self.figures["val_loss"])

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Say what the network is, so that a checkpoint is a model too."""
        checkpoint.update(describe(self.info))

    def _check(self, loss: torch.Tensor) -> None:
        """Stop every process where one has a loss that is not finite."""
        if self.world_size > 1:
            loss = self.trainer.strategy.reduce(loss.clone(), reduce_op="mean")
        if math.isfinite(loss.item()):
            return
        if not self.trainer.is_global_zero:
            raise SystemExit(2)  # the first process says why
        raise InputError(
            f"the loss is {loss.item()} at step {self.global_step}: lower the learning rate"
        )

    def _losses(self, batch: Batch) -> tuple[list[Maps], list[Maps]]:
        image = batch["image"].contiguous(memory_format=self.memory_format)
        stages: list[Maps] = self.model(image)
        focal = self.spec.loss.focal_loss_params
        return stages, stage_losses(stages, batch["labels"], batch["mask"], focal)

    def _add(self, name: str, value: float) -> None:
        total, count = self._sums.get(name, (0.0, 0))
        total, count = self._sums[name] = total + value, count + 1
        self.figures[name] = total / count
