"""The loaders of a training run, in step with a resumed trainer."""

from __future__ import annotations

from typing import Any, cast

from lightning.pytorch import LightningDataModule, Trainer
from torch.utils.data import DataLoader

from training.pose_classification.data import (
    EpochSampler,
    Item,
    evaluation_loader,
    training_loader,
)
from training.pose_classification.sequences import Sequences
from training.pose_classification.spec_dataset import DatasetSpec
from training.pose_classification.transforms import Transforms


class PoseData(LightningDataModule):
    """Training and validation batches for each process of a run.

    Args:
        dataset: Section ``dataset`` of the spec.
        transforms: What happens to the sequences.
        train: Training sequences.
        val: Validation sequences.
        seed: Base of all randomness.
        world_size: Number of processes of the run.

    Raises:
        InputError: There are too few training sequences for one batch.
    """

    def __init__(
        self,
        dataset: DatasetSpec,
        transforms: Transforms,
        train: Sequences,
        val: Sequences,
        seed: int,
        world_size: int,
    ) -> None:
        super().__init__()
        self.dataset = dataset
        self.transforms = transforms
        self.val = val
        self.sampler = EpochSampler(
            len(train) * dataset.repeat,
            seed,
            world_size,
            lengths=train.lengths() if dataset.batch_by_length else None,
            batch_size=dataset.batch_size,
        )
        self.loader = training_loader(train, dataset, transforms, self.sampler, seed)

    @property
    def steps_per_epoch(self) -> int:
        """Batches of one process in an epoch."""
        return len(self.loader)

    def train_dataloader(self) -> DataLoader[Item]:
        """Batches (N, C, T, V, M) with ids (N,).

        Lightning starts the first epoch's loading before it names the epoch, so the sampler is
        set here to where a resumed run goes on.
        """
        trainer = cast(Trainer, self.trainer)
        loop: Any = trainer.fit_loop
        batches = loop.epoch_loop.batch_progress.current.processed % self.steps_per_epoch
        self.sampler.rank = trainer.global_rank
        self.sampler.set_epoch(loop.epoch_progress.current.processed)
        self.sampler.skip = batches * self.dataset.batch_size
        return self.loader

    def val_dataloader(self) -> DataLoader[Item]:
        """Batches of clips (N, K, C, T, V, M) with ids (N,), shared out among the processes."""
        trainer = cast(Trainer, self.trainer)
        return evaluation_loader(
            self.val,
            self.transforms,
            self.dataset.batch_size,
            self.dataset.num_workers,
            trainer.global_rank,
            trainer.world_size,
        )
