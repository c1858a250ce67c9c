"""Cutting a track into the segments that the network classifies, and who labels which frame."""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

from converter.config import ConvertConfig
from converter.errors import check_choice

LabelPolicy = Literal["dense", "tao"]
LABEL_POLICIES: tuple[str, ...] = get_args(LabelPolicy)


class Cut(NamedTuple):
    """A segment: frames `start` to `end` (exclusive) of a track.

    The label of the segment goes to the frames from `labels_from` to `end`, unless a later
    segment of the track claims them.
    """

    start: int
    end: int
    labels_from: int


class Segmenter:
    """Cuts a track that is still growing.

    Segments hold `config.segment_frames` frames and start every `config.stride` frames.

    * `tao` is NVIDIA TAO's `dataset_convert`: what is left at the end of the track makes shorter
      segments, down to `config.segment_frames_min` frames; a segment labels what lies at least one
      stride after its start, so the first stride of a track has no label.
    * `dense` labels every frame: the last segment ends with the track and is as long as the
      others (a track shorter than that is one segment), and a frame takes its label from the
      segment whose middle is nearest, the later one of two.
    """

    def __init__(self, config: ConvertConfig, policy: LabelPolicy) -> None:
        self._config = config
        self._dense = policy == "dense"
        self._length = 0
        self._next_start = 0
        self._last: Cut | None = None

    @property
    def length(self) -> int:
        """Frames of the track so far."""
        return self._length

    @property
    def needed_from(self) -> int:
        """First frame that a segment still to come may hold."""
        if not self._dense:
            return self._next_start
        return max(0, self._length - self._config.segment_frames)

    def grow(self, frames: int) -> list[Cut]:
        """Add `frames` frames to the track; returns the segments that this completes."""
        self._length += frames
        last_start = self._length - self._config.segment_frames
        starts = range(self._next_start, last_start + 1, self._config.stride)
        self._next_start += len(starts) * self._config.stride
        return [self._cut(start) for start in starts]

    def close(self) -> list[Cut]:
        """End the track; returns the segments of its tail."""
        config = self._config
        if not self._dense:
            last_start = self._length - config.segment_frames_min
            return [self._cut(s) for s in range(self._next_start, last_start + 1, config.stride)]
        covered = self._last.end if self._last else config.segment_frames_min - 1
        if self._length <= covered:
            return []
        return [self._cut(max(0, self._length - config.segment_frames))]

    def _cut(self, start: int) -> Cut:
        end = min(start + self._config.segment_frames, self._length)
        if not self._dense:
            labels_from = start + self._config.stride
        elif self._last is None:
            labels_from = start
        else:  # half way between the middles of two full segments, rounded up
            labels_from = (self._last.start + end) // 2
        self._last = Cut(start, end, min(labels_from, end))
        return self._last


def segment_bounds(
    length: int, config: ConvertConfig, policy: LabelPolicy = "tao"
) -> list[tuple[int, int]]:
    """Cut a whole track of `length` frames (see `Segmenter`).

    Returns:
        (start, end) of each segment, `end` exclusive; empty for a track shorter than
        `config.segment_frames_min`.

    Raises:
        InputError: The policy is unknown.
    """
    check_choice("label policy", policy, LABEL_POLICIES)
    segmenter = Segmenter(config, policy)
    return [(cut.start, cut.end) for cut in segmenter.grow(length) + segmenter.close()]
