"""DeepStream documents: labelled segment by segment, in memory that does not grow with the file."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from client.model import ModelInfo
from client.pipeline import Batch
from converter import ConvertConfig, network_input, resample
from converter.deepstream import AnnotationJob, Segment


def as_sequence(
    segment: Segment, model: ModelInfo, convert: ConvertConfig
) -> npt.NDArray[np.float32]:
    """Make a segment what the model takes.

    Returns:
        At the network's frame rate, raw (T, V, 4) for the ensemble; normalised and filled up to
        `sequence_length_max` (C, T, V, M) for a bare network.
    """
    if model.raw:
        return resample(segment.keypoints, convert.frame_rate)
    return network_input(segment.keypoints, convert)


def segment_batches(
    job: AnnotationJob, model: ModelInfo, convert: ConvertConfig, size: int
) -> Iterator[Batch]:
    """Cut the document's segments into requests of at most `size`.

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
