"""Annotation pickles of PYSKL and MMAction2.

``{"split": {"xsub_train": [...], "xsub_val": [...]}, "annotations": [{"frame_dir", "label",
"keypoint" (M, T, V, 2 or 3), "keypoint_score" (M, T, V), "img_shape" (height, width)}, ...]}``,
or the list of annotations alone. Nothing in the pickle is executed.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from converter import InputError, get_layout
from training.common.safe_pickle import load_pickle
from training.pose_classification.importers.clips import (
    IMAGE_POSITION,
    IMAGE_POSITION_AND_SCORE,
    POSITION,
    Clip,
    FloatArray,
    Source,
    with_confidence,
)

_LAYOUTS = {17: "coco", 18: "openpose", 25: "ntu-rgb+d"}


def open_annotations(path: Path, split: str | None, layout: str | None, scores: bool) -> Source:
    """Open an annotation pickle.

    Positions in images become shares of the width and height, from -0.5 to 0.5, as in TAO.

    Args:
        path: The file.
        split: Beginning of two names in its ``split``, as ``xsub`` for ``xsub_train`` and
            ``xsub_val``, or end, as ``1`` for ``train1`` and ``test1``; or ``none``. Default:
            ``train`` and ``val`` or ``test``, or one part where the file has no splits.
        layout: Layout of the keypoints; None: by their number.
        scores: Make the scores the third channel of image positions.

    Returns:
        Clips of as many persons as there are; classes are numbers.

    Raises:
        InputError: The file is not such a pickle.
    """
    content = load_pickle(path)
    splits: Any = content.get("split", {}) if isinstance(content, dict) else {}
    annotations: Any = content.get("annotations") if isinstance(content, dict) else content
    if not isinstance(annotations, list) or not annotations or not isinstance(splits, dict):
        raise InputError(f"{path}: holds no list of annotations")
    parts = _parts(splits, split, path)
    clips = [_checked(entry, number, path) for number, entry in enumerate(annotations)]
    joints, axes = clips[0]["keypoint"].shape[2:]
    for number, entry in enumerate(clips):
        if (shape := entry["keypoint"].shape[2:]) != (joints, axes):
            raise InputError(
                f"{path}: annotation {number}: {shape[0]} keypoints of {shape[1]} numbers, "
                f"the first has {joints} of {axes}"
            )
    name = layout or _LAYOUTS.get(joints)
    if name is None or get_layout(name).num_joints != joints:
        raise InputError(f"{path}: {joints} keypoints; say which layout they are (--from-layout)")
    flat = IMAGE_POSITION_AND_SCORE if scores else IMAGE_POSITION
    channels = flat if axes == 2 else POSITION
    last = max(entry["label"] for entry in clips)
    classes = tuple(str(number) for number in range(last + 1))
    return Source(name, _clips(clips, parts), classes, channels, "2dbp" if axes == 2 else "3dbp")


def _parts(splits: dict[Any, Any], split: str | None, path: Path) -> dict[str, str] | None:
    """Part by name of the sequence, or None: all in one part."""
    if split == "none" or (split is None and not splits):
        return None
    prefix, suffix = (f"{split}_", split) if split else ("", "")
    named = [(f"{prefix}train", f"{prefix}{test}") for test in ("val", "test")]
    named += [(f"train{suffix}", f"{test}{suffix}") for test in ("val", "test")]
    for pair in named:
        if splits.keys() >= set(pair):
            parts = zip(pair, ("train", "val"), strict=True)
            return {str(name): part for key, part in parts for name in splits[key]}
    raise InputError(f"{path}: has splits {sorted(splits)}; choose with --split")


def _checked(entry: Any, number: int, path: Path) -> dict[str, Any]:
    where = f"{path}: annotation {number}"
    if not isinstance(entry, dict):
        raise InputError(f"{where}: is not a mapping")
    if missing := [key for key in ("frame_dir", "label", "keypoint") if key not in entry]:
        raise InputError(f"{where}: has no {missing[0]!r}")
    keypoint = entry["keypoint"]
    shape = keypoint.shape if isinstance(keypoint, np.ndarray) else ()
    if len(shape) != 4 or shape[3] not in (2, 3) or keypoint.dtype.kind not in "fiu":
        raise InputError(f"{where}: keypoint must be an array (M, T, V, 2 or 3)")
    if isinstance(entry["label"], bool) or not isinstance(entry["label"], (int, np.integer)):
        raise InputError(f"{where}: label must be a number")
    if shape[3] == 2:
        score, size = entry.get("keypoint_score"), entry.get("img_shape")
        if not isinstance(score, np.ndarray) or score.shape != shape[:3]:
            raise InputError(f"{where}: keypoint_score must be {shape[:3]}")
        if not isinstance(size, (tuple, list)) or len(size) != 2 or not all(map(_is_size, size)):
            raise InputError(f"{where}: img_shape must be (height, width)")
    return entry


def _is_size(value: Any) -> bool:
    return isinstance(value, (int, float, np.number)) and bool(value > 0)


def _clips(entries: list[dict[str, Any]], parts: dict[str, str] | None) -> Iterator[Clip]:
    for entry in entries:
        name = str(entry["frame_dir"])
        part = "all" if parts is None else parts.get(name)
        if part is not None:
            yield Clip(name, str(entry["label"]), _poses(entry), part)


def _poses(entry: dict[str, Any]) -> FloatArray:
    """(T, M, V, 4)."""
    keypoint = np.asarray(entry["keypoint"], dtype=np.float32).swapaxes(0, 1)
    if keypoint.shape[3] == 3:
        return with_confidence(keypoint)
    height, width = entry["img_shape"]
    score = np.asarray(entry["keypoint_score"], dtype=np.float32).swapaxes(0, 1)[..., None]
    centred = keypoint / np.array([width, height], np.float32) - 0.5
    joined = np.concatenate([centred, np.zeros_like(score), score], axis=-1)
    present = (score > 0) & np.isfinite(keypoint).all(axis=-1, keepdims=True)
    return np.where(present, joined, 0).astype(np.float32)
