"""Segments of a stream that has no end: each as soon as the last frame of it is known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from converter.config import ConvertConfig
from converter.deepstream.intake import Intake
from converter.deepstream.job import Segment
from converter.deepstream.records import decode_text
from converter.deepstream.schema import record_decoder
from converter.deepstream.summary import Summary
from converter.deepstream.tracker import Source, Tracker
from converter.deepstream.tracks import CutPoses
from converter.errors import InputError

PATIENCE = 0.5  # seconds to wait for a frame that is missing
SILENCE = 10.0  # seconds after which the tracks of a silent source end

_NANO = 1e9


@dataclass(frozen=True)
class LiveSegment(Segment):
    """A segment of a stream.

    Attributes:
        arrived: When the last of its poses came, in seconds of the caller's clock.
    """

    arrived: float


class LiveSegmenter:
    """Cuts the tracks of a stream into the segments that policy `dense` makes of a file.

    A frame that is missing is waited for until `config.reorder_frames` later ones have come, as
    in a file, but no longer than `PATIENCE`. What comes still later is left out and counted.
    Memory is bounded: a track ends after `config.max_gap` frames without its person, and all
    tracks of a source end when that has been silent for `SILENCE`.

    All times are seconds of one clock of the caller's choice that never goes back.

    Args:
        config: How to cut and what poses to take.

    Attributes:
        summary: What was met so far.

    Raises:
        InputError: Tracks would never end with these settings.
    """

    def __init__(self, config: ConvertConfig) -> None:
        if config.max_gap is None:
            raise InputError(
                "max_gap must be a number of frames: without it the tracks of a stream never end"
            )
        self.summary = Summary()
        self._decode = record_decoder(config.pose_key)
        self._tracker = _LiveTracker(config, self.summary)
        self._intake = Intake(config, self._tracker, self.summary)

    def push(self, record: bytes, now: float, path: Path, number: int) -> None:
        """Take the JSON text of one record.

        Args:
            record: The text.
            now: The time.
            path: Where it comes from, for messages.
            number: Which record of that it is, for messages.

        Raises:
            InputError: It is not what it should be; nothing of it, or the part before a pose
                with the wrong number of joints, is used.
        """
        text = b"".join((b"[", record, b"]"))
        decoded, not_finite = decode_text(self._decode, text, path, number)
        self._tracker.now = now
        self.summary.not_finite += not_finite
        for each in decoded:
            self.summary.records += 1
            self._intake.take(each, path, number, ordinal=int(now * _NANO))

    def segments(self, now: float) -> Iterator[LiveSegment]:
        """Yield the segments that are complete; to be called after `push` and now and then."""
        self._tracker.now = now
        return self._enlist(self._tracker.flush())

    def excuse(self, seconds: float) -> None:
        """Count no silence for the last `seconds`, in which the caller did not listen."""
        self._tracker.excuse(seconds)

    def close(self) -> Iterator[LiveSegment]:
        """End all tracks; yields their last segments."""
        return self._enlist(self._tracker.close())

    def _enlist(self, cuts: Iterator[CutPoses]) -> Iterator[LiveSegment]:
        for cut in cuts:
            frames = cut.poses.frames
            yield LiveSegment(
                index=self.summary.segments,
                keypoints=cut.poses.keypoints.copy(),
                track=cut.track,
                first_frame=int(frames[0]),
                last_frame=int(frames[-1]),
                arrived=int(cut.poses.ordinals.max()) / _NANO,
            )
            self.summary.segments += 1


class _Watch:
    """The frame numbers of one source.

    Attributes:
        settled: No frame before this number is waited for.
        newest: The highest number seen.
        heard: When the last frame came.
    """

    def __init__(self, frame: int, reorder: int) -> None:
        self.settled = frame - reorder
        self.newest = frame
        self.heard = 0.0
        self._reorder = reorder
        self._ahead: dict[int, float] = {}  # frames behind one that is missing: when they came

    def note(self, frame: int, now: float) -> None:
        self.heard = now
        self.newest = max(self.newest, frame)
        self._ahead.setdefault(frame, now)
        self._settle(self.newest - self._reorder)

    def give_up(self, now: float) -> None:
        """Wait no more for what has been missing too long."""
        held_up = [frame for frame, came in self._ahead.items() if now - came > PATIENCE]
        if held_up:
            self._settle(max(held_up))

    def excuse(self, seconds: float) -> None:
        self.heard += seconds
        self._ahead = {frame: came + seconds for frame, came in self._ahead.items()}

    def _settle(self, bound: int) -> None:
        settled = max(self.settled, bound)
        while settled in self._ahead:
            settled += 1
        self._ahead = {frame: came for frame, came in self._ahead.items() if frame > settled}
        self.settled = settled


class _LiveTracker(Tracker):
    """A tracker that cuts at once; poses are known by the time at which they came, in ns.

    Attributes:
        now: The time.
    """

    def __init__(self, config: ConvertConfig, summary: Summary) -> None:
        super().__init__(config, "dense", summary)
        self.now = 0.0
        self._watches: dict[str, _Watch] = {}

    def enter(self, name: str, frame: int) -> Source:
        source = super().enter(name, frame)
        watch = self._watches.get(name)
        if watch is None or source.newest < watch.newest:  # new, or started again
            watch = self._watches[name] = _Watch(frame, self._config.reorder_frames)
        watch.note(frame, self.now)
        return source

    def excuse(self, seconds: float) -> None:
        for watch in self._watches.values():
            watch.excuse(seconds)

    def flush(self) -> Iterator[CutPoses]:
        for name, watch in list(self._watches.items()):
            watch.give_up(self.now)
            if self.now - watch.heard > SILENCE:
                del self._watches[name]
                self._ended.extend(self._sources.pop(name).tracks.values())
        self._touched = [
            (source, track)
            for source in self._sources.values()
            for track in source.tracks.values()
            if track.is_waiting
        ]
        yield from self._cut()
        self.twins.clear()  # labels go to tracks here, not to objects

    def _settled(self, source: Source) -> int:
        return self._watches[source.name].settled
