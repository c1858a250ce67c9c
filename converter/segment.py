"""Cutting a track into the segments that the network classifies."""

from __future__ import annotations

from converter.config import ConvertConfig


def segment_bounds(length: int, config: ConvertConfig) -> list[tuple[int, int]]:
    """Cut a track of `length` frames as NVIDIA TAO's `dataset_convert` does.

    Segments start every `config.stride` frames and hold `config.sequence_length` frames or what
    is left of the track, as long as that is at least `config.sequence_length_min`.

    Returns:
        (start, end) of each segment, `end` exclusive; empty for a track that is too short.
    """
    last_start = length - config.sequence_length_min
    return [
        (start, min(start + config.sequence_length, length))
        for start in range(0, last_start + 1, config.stride)
    ]


def full_segment_bounds(length: int, config: ConvertConfig) -> list[tuple[int, int]]:
    """Cut a track of `length` frames so that its segments are full and leave no tail.

    Segments start every `config.stride` frames; the last one ends with the track, and overlaps
    its neighbour more than the others do where the length asks for it. A track shorter than
    `config.sequence_length` is one segment.

    Returns:
        (start, end) of each segment, `end` exclusive; empty for a track that is too short.
    """
    if length < config.sequence_length_min:
        return []
    last = max(0, length - config.sequence_length)
    starts = [*range(0, last, config.stride), last]
    return [(start, min(start + config.sequence_length, length)) for start in starts]
