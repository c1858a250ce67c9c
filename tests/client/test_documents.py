"""Segments of a document packed into requests."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from client.documents import segment_batches
from client.model import ModelInfo
from converter import network_input
from converter.deepstream import AnnotationJob
from tests.client.models import ENSEMBLE, NETWORK
from tests.converter.deepstream.documents import save, small_config, walk


@pytest.mark.parametrize(
    ("model", "size", "requests"),
    [
        (ENSEMBLE, 2, [(0, 2, 4), (2, 1, 4), (3, 1, 3), (4, 1, 2)]),
        (ENSEMBLE, 1, [(0, 1, 4), (1, 1, 4), (2, 1, 4), (3, 1, 3), (4, 1, 2)]),
        (NETWORK, 4, [(0, 4, 5), (4, 1, 5)]),
    ],
)
def test_segments_of_one_length_share_a_request(
    tmp_path: Path, model: ModelInfo, size: int, requests: list[tuple[int, int, int]]
) -> None:
    """(Number of the first segment, segments, frames) of each request."""
    config = small_config(sequence_length_max=5)
    tracks = [*walk(range(8), 1), *walk(range(3), 2, source_id="b"), *walk([0, 1], 3, source_id=3)]
    path = save(tmp_path / "in.json", tracks)
    with AnnotationJob(path, config) as job:
        batches = list(segment_batches(job, model, config, size))
    with AnnotationJob(path, config) as job:
        given = [segment.keypoints for segment in job.segments()]
    frames_at = 1 if model.raw else 2
    assert [(b.first, len(b.data), b.data.shape[frames_at]) for b in batches] == requests
    rows = [row for batch in batches for row in batch.data]
    expected = given if model.raw else [network_input(poses, config) for poses in given]
    for row, poses in zip(rows, expected, strict=True):
        np.testing.assert_array_equal(row, poses)
