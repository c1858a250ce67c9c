"""A table in long form: one joint of one frame a line.

Columns ``sample, frame, joint, x, y, z, label`` in any order, and optionally ``person``,
``confidence`` and ``part``. Joints are names of the layout or numbers from 0; the lines of a
sample stand together.
"""

from __future__ import annotations

import csv
import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import numpy as np

from converter import InputError, Layout, get_layout
from training.pose_classification.importers.clips import Clip, FloatArray, Source, with_confidence

_COLUMNS = ("sample", "frame", "joint", "x", "y", "z", "label")
Row = dict[str, str]


def open_csv(path: Path, layout: str) -> Source:
    """Open a table.

    Args:
        path: The file.
        layout: Layout of its joints.

    Returns:
        Clips; frames and persons are put in the order of their numbers.

    Raises:
        InputError: A line cannot be used; the message gives its number.
    """
    return Source(layout, _clips(path, get_layout(layout)))


def _clips(path: Path, layout: Layout) -> Iterator[Clip]:
    joints = {name: number for number, name in enumerate(layout.joints)}
    joints |= {str(number): number for number in range(layout.num_joints)}
    seen: set[str] = set()
    with _opened(path) as file:
        reader = csv.DictReader(file, skipinitialspace=True)
        columns = reader.fieldnames or ()
        if missing := [name for name in _COLUMNS if name not in columns]:
            raise InputError(f"{path}: has no column {missing[0]!r}; there are {list(columns)}")
        numbered = enumerate(reader, 2)
        for sample, lines in itertools.groupby(numbered, key=lambda line: line[1]["sample"]):
            rows = list(lines)
            where = f"{path}: line {rows[0][0]}"
            if sample in seen:
                raise InputError(f"{where}: sample {sample!r} began before; sort the lines by it")
            seen.add(sample)
            first = rows[0][1]
            for column in ("label", "part"):
                if len({row.get(column) for _, row in rows}) > 1:
                    raise InputError(f"{where}: sample {sample!r} has several {column}s")
            poses = _poses(rows, joints, path)
            if not first["label"]:
                raise InputError(f"{where}: sample {sample!r} has no label")
            yield Clip(sample, first["label"], poses, first.get("part") or "all")


@contextmanager
def _opened(path: Path) -> Iterator[TextIO]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            yield file
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: is not UTF-8 text") from error
    except csv.Error as error:
        raise InputError(f"{path}: is no table ({error}): is a quotation mark open?") from error


def _poses(rows: list[tuple[int, Row]], joints: dict[str, int], path: Path) -> FloatArray:
    """(T, M, V, 4) of one sample."""
    parsed = [_parsed(row, joints, f"{path}: line {number}") for number, row in rows]
    places, values = (np.array(column) for column in zip(*parsed, strict=True))
    frames, frame = np.unique(places[:, 0], return_inverse=True)
    persons, person = np.unique(places[:, 1], return_inverse=True)
    if len(np.unique(places, axis=0)) < len(places):
        raise InputError(f"{path}: sample {rows[0][1]['sample']!r} has a joint twice in a frame")
    poses = np.zeros((len(frames), len(persons), max(joints.values()) + 1, 4), np.float32)
    joint = with_confidence(values[:, :3])
    joint[:, 3] *= values[:, 3]
    poses[frame, person, places[:, 2]] = joint * (joint[:, 3:] != 0)
    return poses


def _parsed(
    row: Row, joints: dict[str, int], where: str
) -> tuple[tuple[int, int, int], tuple[float, float, float, float]]:
    if row["joint"] not in joints:
        raise InputError(f"{where}: {row['joint']!r} is not a joint of the layout")
    try:
        place = (int(row["frame"]), int(row.get("person") or 0), joints[row["joint"]])
        x, y, z = (float(row[axis]) for axis in "xyz")
        return place, (x, y, z, float(row.get("confidence") or 1))
    except (TypeError, ValueError) as error:
        raise InputError(f"{where}: a number is missing or malformed ({error})") from error
