"""NTU RGB+D and NTU RGB+D 120 (Shahroudy et al., CVPR 2016; Liu et al., TPAMI 2020).

A folder of ``S001C002P003R002A013.skeleton`` text files: number of frames; for each frame the
number of bodies; for each body a line that begins with its id, the number of joints (25), and a
line for each joint that begins with x, y, z in metres and ends with its tracking state.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from converter import InputError
from training.pose_classification.importers.clips import (
    Clip,
    FloatArray,
    Source,
    files_in,
    with_confidence,
)

JOINTS = 25
_JOINT_VALUES, _BODY_VALUES = 12, 10
_NAME = re.compile(r"S(\d{3})C(\d{3})P(\d{3})R(\d{3})A(\d{3})")

# Subjects that train in the cross-subject protocols of NTU RGB+D 60 and 120.
_TRAIN_60 = {1, 2, 4, 5, 8, 9, 13, 14, 15, 16, 17, 18, 19, 25, 27, 28, 31, 34, 35, 38}
_TRAIN_120 = _TRAIN_60 | {
    *(45, 46, 47, 49, 50, 52, 53, 54, 55, 56, 57, 58, 59, 70, 74, 78, 80, 81, 82, 83, 84, 85),
    *(86, 89, 91, 92, 93, 94, 95, 97, 98, 100, 103),
}

_Rule = Callable[[int, int, int], bool]  # setup, camera, subject -> whether it trains
SPLITS: dict[str, _Rule] = {
    "xsub": lambda setup, camera, subject: subject in _TRAIN_60,
    "xview": lambda setup, camera, subject: camera in (2, 3),
    "xsub120": lambda setup, camera, subject: subject in _TRAIN_120,
    "xset120": lambda setup, camera, subject: setup % 2 == 0,
}


def open_ntu(path: Path, split: str | None) -> Source:
    """Open a folder of ``.skeleton`` files.

    Of the bodies in a file, those that move most come first. Classes are named ``A001`` ...

    Args:
        path: The folder; folders inside are searched, too.
        split: ``xsub`` (default), ``xview``, ``xsub120``, ``xset120``, or ``none``.

    Returns:
        Clips of up to as many persons as a file has, layout ntu-rgb+d.

    Raises:
        InputError: There is no such folder or split, or a file is damaged.
    """
    if split not in (None, "none", *SPLITS):
        raise InputError(f"split {split!r}: must be one of {', '.join(SPLITS)}, none")
    if path.is_file():
        raise InputError(f"{path}: must be a folder of .skeleton files; unpack archives first")
    files = files_in(path, ".skeleton")
    if not files:
        raise InputError(f"{path}: no .skeleton files in this folder")
    last = max(int(_name(file)[5]) for file in files)
    rule = None if split == "none" else SPLITS[split or "xsub"]
    names = tuple(f"A{number:03d}" for number in range(1, (60 if last <= 60 else 120) + 1))
    return Source("ntu-rgb+d", _clips(files, rule), names)


def _name(file: Path) -> re.Match[str]:
    match = _NAME.fullmatch(file.stem)
    if match is None:
        raise InputError(f"{file}: not a name like S001C002P003R002A013.skeleton")
    return match


def _clips(files: list[Path], rule: _Rule | None) -> Iterator[Clip]:
    for file in files:
        setup, camera, subject, _, action = map(int, _name(file).groups())
        part = "all" if rule is None else "train" if rule(setup, camera, subject) else "val"
        yield Clip(file.stem, f"A{action:03d}", with_confidence(read_skeletons(file)), part)


def read_skeletons(file: Path) -> FloatArray:
    """Read the bodies of one file.

    Args:
        file: A ``.skeleton`` file.

    Returns:
        (T, M, 25, 3), the body with the largest spread of positions first; zeros where a body
        is not seen. M is at least 1.

    Raises:
        InputError: The file is damaged.
    """
    bodies: dict[str, FloatArray] = {}
    lines = iter(file.read_text(encoding="ascii", errors="replace").splitlines())
    try:
        frames = int(next(lines))
        for frame in range(frames):
            for _ in range(int(next(lines))):
                body = next(lines).split()
                if len(body) < _BODY_VALUES or int(next(lines)) != JOINTS:
                    raise ValueError
                track = bodies.setdefault(body[0], np.zeros((frames, JOINTS, 3), np.float32))
                track[frame] = _joints(lines)
    except (StopIteration, ValueError) as error:
        raise InputError(f"{file}: damaged, or not an NTU skeleton file") from error
    ordered = sorted(bodies.values(), key=_movement, reverse=True)
    return np.stack(ordered or [np.zeros((max(frames, 1), JOINTS, 3), np.float32)], axis=1)


def _joints(lines: Iterator[str]) -> NDArray[np.float32]:
    rows = [next(lines).split() for _ in range(JOINTS)]
    if any(len(row) != _JOINT_VALUES for row in rows):
        raise ValueError
    return np.array([row[:3] for row in rows], dtype=np.float32)


def _movement(track: FloatArray) -> float:
    """Sum of the standard deviations of x, y and z over the frames that show the body."""
    seen = track[track.any(axis=(1, 2))]
    return float(seen.std(axis=(0, 1)).sum())
