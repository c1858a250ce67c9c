"""Data sets over memory-mapped arrays, and loaders whose randomness does not depend on history.

Everything random about a training sample follows from the seed, the epoch and the sample's turn
in it. So a run that was killed and resumed sees the same samples as one that was not, whatever
the number of loading processes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader, Dataset, Sampler

from converter import InputError, Layout
from training.pose_classification.labels import read_labels
from training.pose_classification.spec import DatasetSpec, ExperimentSpec, SkeletonData
from training.pose_classification.transforms import Transforms

FloatArray = NDArray[np.float32]
Ids = NDArray[np.int64]
Item = tuple[torch.Tensor, int]  # a sample and its class id


class Draw(NamedTuple):
    """One training sample to be made."""

    epoch: int
    turn: int


def open_sequences(path: Path, channels: int, layout: Layout) -> NDArray[Any]:
    """Map an array of sequences into memory and check its shape.

    Args:
        path: A ``.npy`` file.
        channels: Expected C.
        layout: Expected skeleton.

    Returns:
        (N, C, T, V, M), N at least 1; any float or integer type.

    Raises:
        InputError: The file is not such an array.
    """
    try:
        data = np.load(path, mmap_mode="r", allow_pickle=False)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from error
    except (ValueError, EOFError) as error:
        raise InputError(f"{path}: not a readable .npy array of numbers ({error})") from error
    if not isinstance(data, np.ndarray) or data.dtype.kind not in "fiu":
        raise InputError(f"{path}: must be a .npy array of numbers")
    if data.ndim != 5:
        raise InputError(f"{path}: shape {data.shape} must have 5 axes (N, C, T, V, M)")
    if 0 in data.shape:
        raise InputError(f"{path}: shape {data.shape} holds no sequence")
    if data.shape[1] != channels:
        raise InputError(
            f"{path}: {data.shape[1]} channels in {data.shape}, "
            f"but model.input_channels is {channels}"
        )
    if data.shape[3] != layout.num_joints:
        raise InputError(
            f"{path}: {data.shape[3]} joints in {data.shape}, "
            f"but layout {layout.name} has {layout.num_joints} (model.graph_layout)"
        )
    return data


class Sequences:
    """Stored sequences and their class ids.

    Attributes:
        data: (N, C, T, V, M), mapped into memory.
        ids: (N,), -1 where the class is not known.
        path: The file, for messages.
    """

    def __init__(self, data: NDArray[Any], ids: Ids, path: Path) -> None:
        self.data = data
        self.ids = ids
        self.path = path

    def __len__(self) -> int:
        return len(self.data)

    def read(self, index: int) -> FloatArray:
        """One sequence (C, T, V, M), in memory and writable.

        Raises:
            InputError: It holds NaN or infinity.
        """
        sequence = np.array(self.data[index], dtype=np.float32)
        if not np.isfinite(sequence).all():
            channel, frame, joint, person = np.argwhere(~np.isfinite(sequence))[0]
            raise InputError(
                f"{self.path}: sequence {index} is not finite at frame {frame}, joint {joint}, "
                f"channel {channel}, person {person}"
            )
        return sequence


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
    """

    def __init__(self, size: int, seed: int, world_size: int = 1) -> None:
        self.size = size
        self.seed = seed
        self.world_size = world_size
        self.rank = 0  # number of this process
        self.epoch = 0
        self.skip = 0  # turns of this process that a resumed epoch has behind it

    def set_epoch(self, epoch: int) -> None:
        """Called by Lightning before every epoch."""
        self.epoch = epoch

    def __len__(self) -> int:
        return self.size // self.world_size

    def __iter__(self) -> Iterator[Draw]:
        order = np.random.default_rng((self.seed, self.epoch)).permutation(self.size)
        mine = order[self.rank :: self.world_size][self.skip : len(self)]
        self.skip = 0
        return iter([Draw(self.epoch, turn) for turn in mine.tolist()])


def open_dataset(
    source: SkeletonData,
    spec: ExperimentSpec,
    layout: Layout,
    section: str,
    labelled: bool = True,
) -> Sequences:
    """Open the data and labels that a section of the spec names.

    Args:
        source: The section.
        spec: What the data must fit: channels and number of classes.
        layout: The skeleton of the network.
        section: Name of the section, for messages, as ``dataset.train_dataset``.
        labelled: Whether labels are needed; without them the ids are -1.

    Returns:
        The sequences.

    Raises:
        InputError: Something is missing, or does not fit.
    """
    if not source.data_path:
        raise InputError(f"{section}.data_path is not set")
    path = Path(source.data_path)
    data = open_sequences(path, spec.model.input_channels, layout)
    if not labelled:
        return Sequences(data, np.full(len(data), -1), path)
    if not source.label_path:
        raise InputError(f"{section}.label_path is not set")
    labels = read_labels(Path(source.label_path))
    labels.check(len(data), spec.dataset.num_classes, path)
    return Sequences(data, labels.ids, path)


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


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Take the traceback of a loading process out of the message of its `InputError`."""
    try:
        yield
    except InputError as error:
        raise InputError(str(error).strip().rsplit("InputError: ", 1)[-1]) from error


def digest(source: SkeletonData) -> str:
    """SHA-256 of the data and label files of a section, which must be set."""
    total = hashlib.sha256()
    for path in (source.data_path, source.label_path):
        with Path(str(path)).open("rb") as file:
            while chunk := file.read(1 << 20):
                total.update(chunk)
    return total.hexdigest()
