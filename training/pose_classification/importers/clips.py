"""What every importer gives: clips of named skeletons with a class and a part of the data set."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from converter import InputError

FloatArray = NDArray[np.float32]

POSITION = (0, 1, 2)
IMAGE_POSITION = (0, 1)
IMAGE_POSITION_AND_SCORE = (0, 1, 3)


@dataclass(frozen=True)
class Clip:
    """A labelled sequence.

    Attributes:
        name: Its name in the data set.
        label: Name of its class.
        poses: float32 (T, M, V, 4): x, y, z, confidence; 0 where a joint is missing.
        part: Part of the data set, such as ``train`` and ``val``.
    """

    name: str
    label: str
    poses: FloatArray
    part: str


@dataclass(frozen=True)
class Source:
    """An opened data set.

    Attributes:
        layout: Name of its skeleton layout.
        clips: Its clips, read one after the other.
        classes: Class names in the order of their ids; None: by name, those that appear.
        channels: Columns of `Clip.poses` that become channels of the array.
        pose_type: What they are: `3dbp`, `25dbp` or `2dbp`.
    """

    layout: str
    clips: Iterator[Clip]
    classes: Sequence[str] | None = None
    channels: tuple[int, ...] = POSITION
    pose_type: str = "3dbp"


def files_in(folder: Path, suffix: str) -> list[Path]:
    """Return the files with a suffix in a folder and in those inside, in order."""
    return [path for path in sorted(folder.rglob(f"*{suffix}")) if not is_shadow(path)]


def is_shadow(path: PurePath) -> bool:
    """Whether it is what macOS puts beside each file of an archive, under the same suffix."""
    return path.name.startswith("._")


def some_train(clips: Iterator[Clip], split: str | None) -> Iterator[Clip]:
    """Yield the clips; that none of them trains is found out at their end.

    Raises:
        InputError: All of them are val.
    """
    parts = set()
    for clip in clips:
        parts.add(clip.part)
        yield clip
    if parts == {"val"}:
        raise InputError(f"split {split!r}: no subject of that name, all would be val")


def with_confidence(positions: NDArray[Any]) -> FloatArray:
    """Append a confidence: 1, or 0 where all coordinates are zero or one is not finite.

    Args:
        positions: (..., 3).

    Returns:
        float32 (..., 4); missing joints are zeros.
    """
    present = np.isfinite(positions).all(axis=-1, keepdims=True)
    present &= (positions != 0).any(axis=-1, keepdims=True)
    joined = np.concatenate([positions, np.ones_like(positions[..., :1])], axis=-1)
    return np.where(present, joined, 0).astype(np.float32)
