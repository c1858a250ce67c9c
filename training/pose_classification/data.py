"""Samples made of stored sequences, and loaders whose randomness does not depend on history.

Everything random about a training sample follows from the seed, the epoch and the sample's turn
in it. So a run that was killed and resumed sees the same samples as one that was not, whatever
the number of loading processes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader, Dataset, Sampler, default_collate

from converter import InputError
from training.pose_classification.sequences import Sequences
from training.pose_classification.spec_dataset import DatasetSpec
from training.pose_classification.transforms import Transforms

Item = tuple[torch.Tensor, int]  # a sample and its class id


class Draw(NamedTuple):
    """One training sample to be made."""

    epoch: int
    turn: int


class TrainingSet(Dataset[Item]):
    """Augmented samples (C, T, V, M), one for each `Draw`."""

    def __init__(self, source: Sequences, transforms: Transforms, seed: int) -> None:
        self.source = source
        self.transforms = transforms
        self.seed = seed

    def __getitem__(self, draw: Draw) -> Item:
        index = draw.turn % len(self.source)
        rng = np.random.default_rng((self.seed, *draw))
        sample = self.transforms.train(self.source.read(index), rng)
        return torch.from_numpy(np.ascontiguousarray(sample)), int(self.source.ids[index])


class EvaluationSet(Dataset[Item]):
    """Clips (K, C, T, V, M) of every sequence, with nothing random."""

    def __init__(self, source: Sequences, transforms: Transforms) -> None:
        self.source = source
        self.transforms = transforms

    def __getitem__(self, index: int) -> Item:
        clips = self.transforms.test(self.source.read(index))
        return torch.from_numpy(np.ascontiguousarray(clips)), int(self.source.ids[index])


class EpochSampler(Sampler[Draw]):
    """Shuffles `size` turns anew each epoch and deals them to the processes of a run.

    Args:
        size: Turns in an epoch.
        seed: Base of the shuffling.
        world_size: Number of processes.
        lengths: Frames of each sequence: batches are then made of sequences of similar lengths.
        batch_size: Of those batches.
    """

    def __init__(
        self,
        size: int,
        seed: int,
        world_size: int = 1,
        lengths: NDArray[np.int64] | None = None,
        batch_size: int = 1,
    ) -> None:
        self.size = size
        self.seed = seed
        self.world_size = world_size
        self.lengths = lengths
        self.batch_size = batch_size
        self.rank = 0  # number of this process
        self.epoch = 0
        self.skip = 0  # turns of this process that a resumed epoch has behind it

    def set_epoch(self, epoch: int) -> None:
        """Called by Lightning before every epoch."""
        self.epoch = epoch

    def __len__(self) -> int:
        return self.size // self.world_size

    def __iter__(self) -> Iterator[Draw]:
        rng = np.random.default_rng((self.seed, self.epoch))
        mine = rng.permutation(self.size)[self.rank :: self.world_size][: len(self)]
        if self.lengths is not None:
            whole = mine[: len(mine) // self.batch_size * self.batch_size]
            by_length = whole[np.argsort(self.lengths[whole % len(self.lengths)], kind="stable")]
            mine = rng.permutation(by_length.reshape(-1, self.batch_size)).ravel()
        mine = mine[self.skip :]
        self.skip = 0
        return iter([Draw(self.epoch, turn) for turn in mine.tolist()])


def without_padding(items: list[Item]) -> tuple[torch.Tensor, torch.Tensor]:
    """Make a batch (N, C, T, V, M) whose T is that of its longest sequence, with ids (N,)."""
    samples, ids = default_collate(items)
    used = torch.nonzero(samples.any(dim=4).any(dim=3).any(dim=1).any(dim=0))
    return samples[:, :, : int(used[-1]) + 1 if len(used) else 1], ids


def training_loader(
    source: Sequences,
    dataset: DatasetSpec,
    transforms: Transforms,
    sampler: EpochSampler,
    seed: int,
) -> DataLoader[Item]:
    """Batches of augmented samples (N, C, T, V, M) with ids (N,); a last, smaller one is left out.

    Raises:
        InputError: There are too few sequences for one batch.
    """
    if len(sampler) < dataset.batch_size:
        raise InputError(
            f"{source.path}: {len(source)} sequences do not fill one batch of "
            f"{dataset.batch_size} on each of {sampler.world_size} device(s): "
            "lower dataset.batch_size"
        )
    return DataLoader(
        TrainingSet(source, transforms, seed),
        batch_size=dataset.batch_size,
        sampler=sampler,
        drop_last=True,
        collate_fn=without_padding if dataset.batch_by_length else None,
        num_workers=dataset.num_workers,
        persistent_workers=dataset.num_workers > 0,
        pin_memory=torch.cuda.is_available(),
    )


def evaluation_loader(
    source: Sequences,
    transforms: Transforms,
    batch_size: int,
    num_workers: int,
    rank: int = 0,
    world_size: int = 1,
) -> DataLoader[Item]:
    """Batches of clips (N, K, C, T, V, M) with ids (N,), in order, every sequence once."""
    return DataLoader(
        EvaluationSet(source, transforms),
        batch_size=batch_size,
        sampler=range(rank, len(source), world_size),
        num_workers=num_workers,
        pin_memory=torch.cuda.is_available(),
    )
