"""Poses of one's own recordings: a folder for each class, in a folder for each part.

`train/wave/a.json`, `val/wave/b.json` and so on are documents as DeepStream's bodypose-3d app and
`python -m video.poses` write them. Everybody in one does what its folder says. They are cut and
normalised as the client does it, so that the network is served what it was trained on.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from converter import ConvertConfig, InputError, normalise, resample
from converter.deepstream import AnnotationJob
from training.common.progress import progress
from training.pose_classification.importers.clips import (
    IMAGE_POSITION,
    POSITION,
    Clip,
    FloatArray,
    Source,
    files_in,
)

_SUFFIXES = (".json", ".ndjson", ".json.gz", ".ndjson.gz")
_PLACE = "must be at PART/CLASS/NAME.json, such as train/wave/a.json and val/wave/b.json"


def open_documents(folder: Path, config: ConvertConfig) -> Source:
    """Open a folder of documents.

    Args:
        folder: It holds ``PART/CLASS/NAME.json``, or ``.ndjson``, or either with ``.gz``.
        config: How they are cut and normalised.

    Returns:
        A clip for each segment of each person, in the layout nvidia.

    Raises:
        InputError: A file is at another place or not a document, or there is none.
    """
    files = [path for path in files_in(folder, "") if path.name.endswith(_SUFFIXES)]
    if not files:
        raise InputError(f"{folder}: holds no documents: they {_PLACE}")
    for path in files:
        if len(path.relative_to(folder).parts) != 3:
            raise InputError(f"{path}: {_PLACE}, below {folder}")
    channels = POSITION if config.channels == len(POSITION) else IMAGE_POSITION
    return Source("nvidia", _clips(files, config), None, channels, config.pose_type)


def _clips(files: list[Path], config: ConvertConfig) -> Iterator[Clip]:
    for path in progress(files, "Reading"):
        part, label, name = path.parts[-3:]
        with AnnotationJob(path, config) as job:
            for segment in job.segments():
                where = f"{label}/{name}, id {segment.track.object_id}, from {segment.first_frame}"
                yield Clip(where, label, _poses(segment.keypoints, config), part)


def _poses(keypoints: FloatArray, config: ConvertConfig) -> FloatArray:
    """(T, 1, V, 4) as the network is fed, and the confidence."""
    keypoints = resample(keypoints, config.frame_rate)
    planes = normalise(keypoints, config.pose_type, config.focal_length, config.frame_size)
    poses = np.zeros((len(keypoints), 1, keypoints.shape[1], 4), np.float32)
    poses[:, 0, :, : len(planes)] = np.moveaxis(planes, 0, -1)
    poses[:, 0, :, 3] = np.isfinite(keypoints).all(axis=-1) & (keypoints[..., 3] != 0)
    return poses
