"""UTKinect-Action3D (Xia et al., CVPR Workshops 2012): 20 joints at 15 Hz, metres.

The original set is a folder with ``actionLabel.txt`` and ``joints_s01_e01.txt`` ...; each line
of the latter is a frame number and 20 times x, y, z. A ``.npz`` with the sequences cut out is
read, too: ``frames`` (sum of T, 20, 3), ``offsets`` (N + 1), ``names`` (``s01_e01_walk``) and,
for splits by subject, ``tr_subjects`` and ``te_subjects`` (splits, subjects).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from converter import InputError
from training.pose_classification.importers.clips import (
    Clip,
    Source,
    some_train,
    with_confidence,
)
from training.pose_classification.importers.tables import read_npz, read_sequences

ACTIONS = (
    "walk",
    "sitDown",
    "standUp",
    "pickUp",
    "carry",
    "throw",
    "push",
    "pull",
    "waveHands",
    "clapHands",
)
JOINTS = 20
_TITLE = re.compile(r"s\d\d_e\d\d")
_LINE = re.compile(r"(\w+):\s+(\S+)\s+(\S+)")


def open_utkinect(path: Path, split: str | None) -> Source:
    """Open the original folder or an ``.npz``.

    Args:
        path: The folder or file.
        split: Subjects that train, separated by commas (``1,3,5,7,9``); with an ``.npz`` also
            the number of an official split from 1, as ``split1``. Default: one part, ``all``.

    Returns:
        Clips of one person, layout kinect-v1.

    Raises:
        InputError: A file is not what it should be.
    """
    sequences = _original(path) if path.is_dir() else _packed(path)
    clips = _clips(sequences, _training_subjects(path, split))
    return Source("kinect-v1", some_train(clips, split), ACTIONS)


def _training_subjects(path: Path, split: str | None) -> set[int] | None:
    if split in (None, "none"):
        return None
    if official := re.fullmatch(r"split(\d+)", split):
        if path.is_dir():
            raise InputError(f"split {split!r}: is for an .npz; name the subjects, as 1,3,5")
        subjects = read_npz(path, "tr_subjects")["tr_subjects"]
        if not 1 <= int(official[1]) <= len(subjects):
            raise InputError(f"split {split!r}: {path} has split1 to split{len(subjects)}")
        return set(subjects[int(official[1]) - 1].tolist())
    try:
        return {int(number) for number in split.split(",")}
    except ValueError as error:
        raise InputError(f"split {split!r}: must be subjects such as 1,3,5, or split1") from error


def _clips(
    sequences: Iterator[tuple[str, NDArray[np.float32]]], train: set[int] | None
) -> Iterator[Clip]:
    for name, positions in sequences:
        part = "all" if train is None else "train" if int(name[1:3]) in train else "val"
        yield Clip(name, name.split("_")[2], with_confidence(positions[:, None]), part)


def _packed(path: Path) -> Iterator[tuple[str, NDArray[np.float32]]]:
    content = read_sequences(path)
    offsets = content["offsets"]
    for number, name in enumerate(content["names"].tolist()):
        if not re.fullmatch(r"s\d\d_e\d\d_\w+", name):
            raise InputError(f"{path}: {name!r}: not a name like s01_e01_walk")
        yield name, content["frames"][offsets[number] : offsets[number + 1]]


def _original(folder: Path) -> Iterator[tuple[str, NDArray[np.float32]]]:
    labels = folder / "actionLabel.txt"
    if not labels.is_file():
        raise InputError(f"{labels}: no such file; it belongs to the original data set")
    recording, frames = "", np.empty((0, 1 + 3 * JOINTS), np.float32)
    text = labels.read_text(encoding="ascii", errors="replace")
    for number, line in enumerate(text.splitlines(), 1):
        if _TITLE.fullmatch(line.strip()):
            recording = line.strip()
            frames = _recording(folder / f"joints_{recording}.txt")
        elif match := _LINE.fullmatch(line.strip()):
            action, first, last = match.groups()
            if not recording or action not in ACTIONS:
                raise InputError(f"{labels}: line {number}: {line.strip()!r} is not understood")
            if "nan" in (first.lower(), last.lower()):
                continue  # the set itself says that this action was not recorded
            if not (first.isdecimal() and last.isdecimal()):
                raise InputError(f"{labels}: line {number}: {line.strip()!r} is not understood")
            chosen = (frames[:, 0] >= int(first)) & (frames[:, 0] <= int(last))
            yield f"{recording}_{action}", frames[chosen, 1:].reshape(-1, JOINTS, 3)
        elif line.strip():
            raise InputError(f"{labels}: line {number}: {line.strip()!r} is not understood")


def _recording(file: Path) -> NDArray[np.float32]:
    try:
        frames = np.loadtxt(file, dtype=np.float32, ndmin=2)
    except (OSError, ValueError) as error:
        raise InputError(f"{file}: {error}") from error
    if frames.shape[1] != 1 + 3 * JOINTS:
        raise InputError(f"{file}: {frames.shape[1]} numbers a line, must be {1 + 3 * JOINTS}")
    # The recorder wrote some frames twice, one after the other.
    fresh: NDArray[np.float32] = frames[np.append(True, np.diff(frames[:, 0]) != 0)]
    return fresh
