"""Putting the poses of one person in order and cutting them into segments."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from converter.config import ConvertConfig
from converter.deepstream.summary import Summary
from converter.segment import Cut, LabelPolicy, Segmenter

Twins = list[tuple[NDArray[np.int64], NDArray[np.int64]]]


class TrackId(NamedTuple):
    """A person: the source it was seen in (empty where sources are not told apart) and its id."""

    source: str
    object_id: str


@dataclass(frozen=True)
class Poses:
    """T poses of one person.

    Attributes:
        ordinals: (T,) int64, which object of the file, counted from 0.
        frames: (T,) int64, `frame_num`.
        keypoints: (T, V, 4) float32, raw; nan where the file has no number.
    """

    ordinals: NDArray[np.int64]
    frames: NDArray[np.int64]
    keypoints: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.ordinals)

    def pick(self, index: slice | NDArray[np.bool_] | NDArray[np.intp]) -> Poses:
        """Return the poses at `index`."""
        return Poses(self.ordinals[index], self.frames[index], self.keypoints[index])

    def joined(self, other: Poses) -> Poses:
        """Return these poses, then those of `other`."""
        return Poses(
            np.concatenate([self.ordinals, other.ordinals]),
            np.concatenate([self.frames, other.frames]),
            np.concatenate([self.keypoints, other.keypoints]),
        )

    def copy(self) -> Poses:
        """Return poses that do not keep a larger array alive."""
        return Poses(self.ordinals.copy(), self.frames.copy(), self.keypoints.copy())


class CutPoses(NamedTuple):
    """A segment of a track; its label goes to the objects with the ordinals `labelled`."""

    track: TrackId
    poses: Poses
    labelled: NDArray[np.int64]


class _Stretch:
    """Consecutive poses of a track; keeps those that a segment still to come may hold."""

    def __init__(self, track: TrackId, config: ConvertConfig, policy: LabelPolicy) -> None:
        self._track = track
        self._segmenter = Segmenter(config, policy)
        self._window: Poses | None = None
        self._offset = 0  # of the window in the stretch

    @property
    def length(self) -> int:
        return self._segmenter.length

    def extend(self, poses: Poses) -> Iterator[CutPoses]:
        self._window = self._window.joined(poses) if self._window else poses
        for cut in self._segmenter.grow(len(poses)):
            yield self._cut_out(self._window, cut)
        done = self._segmenter.needed_from - self._offset
        self._window = self._window.pick(slice(done, None)).copy()
        self._offset += done

    def close(self) -> Iterator[CutPoses]:
        if self._window:
            for cut in self._segmenter.close():
                yield self._cut_out(self._window, cut)

    def _cut_out(self, window: Poses, cut: Cut) -> CutPoses:
        start, end = cut.start - self._offset, cut.end - self._offset
        labelled = window.ordinals[cut.labels_from - self._offset : end]
        return CutPoses(self._track, window.pick(slice(start, end)), labelled)


class Track:
    """The poses of one person, as they come.

    With policy `tao` they are taken in the order of the file. With `dense` they are sorted by
    frame number as soon as nothing earlier can come, a second pose for the same frame is left
    out, and a gap longer than `config.max_gap` begins the track anew.

    Args:
        track: Whose poses they are.
        config: The settings.
        policy: The label policy.
        summary: Is told of tracks and duplicates.
        twins: Is given pairs of (n,) ordinals: poses left out as duplicates, those taken instead.

    Attributes:
        newest_frame: The highest frame number of those that `flush` has seen.
    """

    def __init__(
        self,
        track: TrackId,
        config: ConvertConfig,
        policy: LabelPolicy,
        summary: Summary,
        twins: Twins,
    ) -> None:
        self._id = track
        self._config = config
        self._policy = policy
        self._summary = summary
        self._twins = twins
        self._inbox: list[tuple[int, int, bytes]] = []
        self._waiting: Poses | None = None
        self._stretch = _Stretch(track, config, policy)
        self._last_frame: int | None = None
        self.newest_frame = -(2**63)

    @property
    def is_waiting(self) -> bool:
        """Whether it has poses that are in no stretch yet."""
        return bool(self._inbox or self._waiting)

    def add(self, ordinal: int, frame: int, pose: bytes) -> bool:
        """Take a pose, V * 4 packed float64; returns whether it is the first since `flush`."""
        self._inbox.append((ordinal, frame, pose))
        return len(self._inbox) == 1

    def flush(self, settled: float) -> Iterator[CutPoses]:
        """Cut segments from what has come; no frame before number `settled` will come any more."""
        poses = self._open_inbox()
        if self._policy == "tao":
            yield from self._stretch.extend(poses)
            return
        if poses:
            self.newest_frame = max(self.newest_frame, int(poses.frames.max()))
        poses = self._waiting.joined(poses) if self._waiting else poses
        poses = poses.pick(np.argsort(poses.frames, kind="stable"))
        ready = int(np.searchsorted(poses.frames, settled))
        self._waiting = poses.pick(slice(ready, None)).copy()
        settled_poses = self._without_late(poses.pick(slice(ready)))
        if settled_poses:
            yield from self._extend(self._without_duplicates(settled_poses))

    def close(self) -> Iterator[CutPoses]:
        """End the track."""
        yield from self.flush(np.inf)
        yield from self._end_stretch()

    def _open_inbox(self) -> Poses:
        ordinals, frames, packed = zip(*self._inbox, strict=True) if self._inbox else ((), (), ())
        self._inbox = []
        with np.errstate(over="ignore"):  # beyond float32 becomes inf, which counts as missing
            keypoints = np.frombuffer(b"".join(packed)).astype(np.float32)
        return Poses(
            np.array(ordinals, dtype=np.int64),
            np.array(frames, dtype=np.int64),
            keypoints.reshape(len(packed), self._config.num_joints, 4),
        )

    def _without_late(self, poses: Poses) -> Poses:
        """Leave out poses of frames that were settled before; only live streams have them."""
        if self._last_frame is None or not poses or poses.frames[0] > self._last_frame:
            return poses
        in_time = int(np.searchsorted(poses.frames, self._last_frame, side="right"))
        self._summary.late += in_time
        return poses.pick(slice(in_time, None))

    def _without_duplicates(self, poses: Poses) -> Poses:
        first = np.concatenate([[True], poses.frames[1:] != poses.frames[:-1]])
        if first.all():
            return poses
        kept = poses.pick(first)
        left_out = poses.ordinals[~first]
        self._summary.duplicates += len(left_out)
        self._twins.append((left_out, kept.ordinals[np.cumsum(first)[~first] - 1]))
        return kept

    def _extend(self, poses: Poses) -> Iterator[CutPoses]:
        before = poses.frames[0] - 1 if self._last_frame is None else self._last_frame
        missing = np.diff(poses.frames, prepend=before) - 1
        self._last_frame = int(poses.frames[-1])
        longest = np.inf if self._config.max_gap is None else self._config.max_gap
        begin = 0
        for end in [*np.flatnonzero(missing > longest), len(poses)]:
            if begin or not end:
                yield from self._end_stretch()
            yield from self._stretch.extend(poses.pick(slice(begin, end)))
            begin = end

    def _end_stretch(self) -> Iterator[CutPoses]:
        yield from self._stretch.close()
        length = self._stretch.length
        self._summary.tracks += length > 0
        self._summary.short_tracks += 0 < length < self._config.segment_frames_min
        self._stretch = _Stretch(self._id, self._config, self._policy)
