"""DeepStream documents: labelled segment by segment, in memory that does not grow with the file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import yaml

from client.model import ModelInfo
from client.pipeline import Batch
from converter import ConvertConfig, InputError, network_input, resample
from converter.deepstream import AnnotationJob, Segment


def load_convert_config(
    path: Path | None, max_gap: int | None = None, frame_rate: float | None = None
) -> ConvertConfig:
    """Read NVIDIA's ``dataset_convert_config`` YAML.

    Args:
        path: The file; None or an empty one gives the defaults.
        max_gap: Where given, stands for the file's.
        frame_rate: Likewise.

    Raises:
        InputError: Not readable, not YAML, or a key or value the converter does not know.
    """
    config = ConvertConfig()
    if path is not None:
        try:
            mapping = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise InputError(f"{path}: cannot be read: {' '.join(str(error).split())}") from error
        if mapping is None:  # nothing but comments
            mapping = {}
        if not isinstance(mapping, dict):
            raise InputError(f"{path}: expected lines of 'key: value', as in pose_type: 3dbp")
        config = ConvertConfig.from_mapping(mapping, source=str(path))
    if max_gap is not None:
        config = replace(config, max_gap=max_gap)
    if frame_rate is not None:
        config = replace(config, frame_rate=frame_rate)
    return config


def as_sequence(
    segment: Segment, model: ModelInfo, convert: ConvertConfig
) -> npt.NDArray[np.float32]:
    """Make a segment what the model takes.

    Returns:
        At the network's frame rate, raw (T, V, 4) for the ensemble; normalised and filled up to
        ``sequence_length_max`` (C, T, V, M) for a bare network.
    """
    if model.raw:
        return resample(segment.keypoints, convert.frame_rate)
    return network_input(segment.keypoints, convert)


def segment_batches(
    job: AnnotationJob, model: ModelInfo, convert: ConvertConfig, size: int
) -> Iterator[Batch]:
    """Cut the document's segments into requests of at most ``size``.

    Only segments of one length share a request to the ensemble.
    """
    first = 0
    rows: list[npt.NDArray[np.float32]] = []
    for segment in job.segments():
        row = as_sequence(segment, model, convert)
        if rows and (len(rows) == size or rows[0].shape != row.shape):
            yield Batch(first, np.stack(rows))
            rows = []
        if not rows:
            first = segment.index
        rows.append(row)
    if rows:
        yield Batch(first, np.stack(rows))
