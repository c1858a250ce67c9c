"""Write clips as arrays (N, C, T, V, M) with their labels, in bounded memory.

Clips go to a spool file as they come; when their number and lengths are known, the arrays are
laid out on disk and filled from it. Files appear under their names when they are complete.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np

from converter import InputError, JointMap, Layout, get_layout, joint_map
from training.pose_classification.importers.clips import Clip, FloatArray, Source
from training.pose_classification.importers.spec_file import spec_of, write_yaml
from training.pose_classification.labels import write_labels

logger = logging.getLogger(__name__)

_MOVES = np.array([1, 1, 1, 0], dtype=np.float32)  # a confidence is not shifted


@dataclass(frozen=True)
class ArrayOptions:
    """How arrays are made.

    Attributes:
        layout: Layout of the arrays; None: that of the data set.
        max_frames: Longer clips lose their end; None: the longest clip is the length.
        persons: M; None: as many as the fullest clip has.
        relative: Subtract the layout's root (pelvis, else centre) frame by frame.
        scale: Factor for all coordinates.
        label_format: ``json`` or ``pkl``.
    """

    layout: str | None = None
    max_frames: int | None = None
    persons: int | None = None
    relative: bool = False
    scale: float = 1.0
    label_format: str = "json"


@dataclass
class _Spooled:
    """Clips of one part: where they are in the spool, and what they are."""

    names: list[str] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    shapes: list[tuple[int, int]] = field(default_factory=list)  # (T, M)
    starts: list[int] = field(default_factory=list)


def write_arrays(source: Source, folder: Path, options: ArrayOptions) -> dict[str, int]:
    """Write ``<part>.npy`` and ``<part>_labels.<format>`` for each part.

    Beside them go ``label_map.yaml``, and ``spec.yaml`` to train a network on them with.

    Clips without any joint are left out, and counted in a warning.

    Args:
        source: The clips.
        folder: Where the files go; it is made.
        options: How they are made.

    Returns:
        Number of sequences by part.

    Raises:
        InputError: There are no clips, a clip's class is not known, or a file cannot be made.
    """
    layout = get_layout(source.layout)
    mapping = joint_map(layout, options.layout) if options.layout else None
    target = mapping.target if mapping else layout
    if mapping and mapping.missing:
        logger.warning("Joints without a source stay zero: %s", ", ".join(mapping.missing))
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: cannot be written to: {error.strerror}") from None
    with tempfile.TemporaryFile(dir=folder) as spool:
        parts = _spool(_prepared(source.clips, mapping, target, options), spool)
        if not parts:
            raise InputError(
                "there are no clips to import: none is in the split, or none has a joint"
            )
        classes = _classes(source.classes, parts)
        shapes = [shape for spooled in parts.values() for shape in spooled.shapes]
        frames = options.max_frames or max(length for length, _ in shapes)
        persons = options.persons or max(people for _, people in shapes)
        for part, spooled in parts.items():
            shape = (len(source.channels), frames, target.num_joints, persons)
            _write_part(folder / f"{part}.npy", spooled, spool, source.channels, shape)
            ids = [classes[label] for label in spooled.labels]
            write_labels(folder / f"{part}_labels.{options.label_format}", spooled.names, ids)
    named = {"num_classes": len(classes), "label_map": classes}
    files = {
        part: (folder / f"{part}.npy", folder / f"{part}_labels.{options.label_format}")
        for part in parts
    }
    counts = {part: len(spooled.names) for part, spooled in parts.items()}
    write_yaml(folder / "label_map.yaml", named)
    write_yaml(folder / "spec.yaml", spec_of(source, target, files, counts, named))
    return counts


def _prepared(
    clips: Iterable[Clip], mapping: JointMap | None, target: Layout, options: ArrayOptions
) -> Iterable[Clip]:
    """Clips with their final joints, coordinates, lengths and persons."""
    empty = cut = 0
    factors = np.array([options.scale] * 3 + [1], dtype=np.float32)
    root = target.common_names.index("pelvis") if "pelvis" in target.common_names else target.centre
    for clip in clips:
        poses = mapping.apply(clip.poses) if mapping else clip.poses
        if poses.shape[2] != target.num_joints:
            raise InputError(
                f"{clip.name}: {poses.shape[2]} joints, but {target.name} has {target.num_joints}"
            )
        seen = poses[..., 3:] != 0
        if options.relative:
            seen = seen & seen[:, :, root : root + 1]
        if not seen.any():
            empty += 1
            continue
        if options.relative:
            poses = poses - poses[:, :, root : root + 1] * _MOVES
        poses = poses * factors * seen
        if options.max_frames and len(poses) > options.max_frames:
            cut += 1
            poses = poses[: options.max_frames]
        yield Clip(clip.name, clip.label, poses[:, : options.persons], clip.part)
    if empty:
        logger.warning("%d clip(s) without any joint were left out", empty)
    if cut:
        logger.warning("%d clip(s) were cut to %d frames", cut, options.max_frames)


def _spool(clips: Iterable[Clip], spool: BinaryIO) -> dict[str, _Spooled]:
    parts: dict[str, _Spooled] = {}
    for clip in clips:
        if clip.part in ("", ".", "..") or Path(clip.part).name != clip.part:
            raise InputError(f"{clip.name}: part {clip.part!r} cannot be the name of a file")
        part = parts.setdefault(clip.part, _Spooled())
        part.names.append(clip.name)
        part.labels.append(clip.label)
        part.shapes.append((clip.poses.shape[0], clip.poses.shape[1]))
        part.starts.append(spool.tell())
        spool.write(np.ascontiguousarray(clip.poses, dtype=np.float32).data)
    return parts


def _classes(known: Sequence[str] | None, parts: dict[str, _Spooled]) -> dict[str, int]:
    """Class ids by name."""
    used = {label for part in parts.values() for label in part.labels}
    names = list(known) if known is not None else sorted(used)
    if strange := sorted(used - set(names)):
        raise InputError(f"class {strange[0]!r} is not one of the data set's {len(names)} classes")
    return {name: number for number, name in enumerate(names)}


def _write_part(
    path: Path,
    spooled: _Spooled,
    spool: BinaryIO,
    channels: tuple[int, ...],
    shape: tuple[int, int, int, int],
) -> None:
    """Lay out an array (N, *shape) beside `path`, fill it, put it in place."""
    beside = path.with_name(f".{path.name}.part")
    try:
        array = np.lib.format.open_memmap(  # type: ignore[no-untyped-call]  # NumPy's gap
            beside, mode="w+", dtype=np.float32, shape=(len(spooled.names), *shape)
        )
        for number, (length, people) in enumerate(spooled.shapes):
            poses = _read(spool, spooled.starts[number], (length, people, shape[2], 4))
            array[number, :, :length, :, :people] = poses[..., channels].transpose(3, 0, 2, 1)
        array.flush()
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def _read(spool: BinaryIO, start: int, shape: tuple[int, ...]) -> FloatArray:
    spool.seek(start)
    return np.frombuffer(spool.read(4 * int(np.prod(shape))), dtype=np.float32).reshape(shape)
