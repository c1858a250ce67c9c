"""Telling the tracks of a file apart."""

from __future__ import annotations

from collections.abc import Iterator

from converter.config import ConvertConfig
from converter.deepstream.summary import Summary
from converter.deepstream.tracks import CutPoses, Track, TrackId, Twins
from converter.segment import LabelPolicy

# Poses to gather before they are sorted into tracks: enough to make vectorising worth it.
_BATCH = 400


class Source:
    """One video: its newest frame number and the tracks that are open."""

    def __init__(self, name: str, frame: int) -> None:
        self.name = name
        self.newest = frame
        self.tracks: dict[str, Track] = {}


class Tracker:
    """Sorts poses into tracks and ends those that nothing more can be added to.

    With policy `tao` a track is whatever has the same object id. With `dense` it is what has the
    same source and object id; a frame number that goes back by more than
    `config.reorder_frames` (the video was started again) ends all tracks of the source.

    Attributes:
        twins: Pairs of (n,) ordinals: objects left out as duplicates, those taken instead.
    """

    def __init__(self, config: ConvertConfig, policy: LabelPolicy, summary: Summary) -> None:
        self.twins: Twins = []
        self._summary = summary
        self._config = config
        self._policy = policy
        self._sources: dict[str, Source] = {}
        self._mixed: set[str] = set()  # names of sources that are not told apart
        self._gathered = 0
        self._touched: list[tuple[Source, Track]] = []
        self._ended: list[Track] = []

    def enter(self, name: str, frame: int) -> Source:
        """Go to frame number `frame` of the source `name`; returns the source, for `add`."""
        if self._policy == "tao":
            self._mixed.add(name)
            if len(self._mixed) > 1:
                self._summary.mixed_sources = len(self._mixed)
            name = ""
        source = self._sources.get(name)
        if source is None:
            source = self._sources[name] = Source(name, frame)
        elif frame > source.newest:
            source.newest = frame
        elif self._policy == "dense" and frame < source.newest - self._config.reorder_frames:
            self._summary.restarts += 1
            self._ended.extend(source.tracks.values())
            source.tracks = {}
            source.newest = frame
        return source

    def add(self, source: Source, object_id: str, ordinal: int, frame: int, pose: bytes) -> None:
        """Add a pose (V * 4 packed float64) of an object of the present frame."""
        track = source.tracks.get(object_id)
        if track is None:
            track_id = TrackId(source.name, object_id)
            track = Track(track_id, self._config, self._policy, self._summary, self.twins)
            source.tracks[object_id] = track
        self._gathered += 1
        if track.add(ordinal, frame, pose):
            self._touched.append((source, track))

    def flush(self) -> Iterator[CutPoses]:
        """Yield the segments that have become complete; waits until enough poses are gathered."""
        if self._gathered < _BATCH:
            return
        self._gathered = 0
        yield from self._cut()

    def _cut(self) -> Iterator[CutPoses]:
        for source, track in self._touched:
            yield from track.flush(self._settled(source))
        self._touched.clear()
        for track in self._ended:
            yield from track.close()
        self._ended.clear()
        if self._policy == "dense" and self._config.max_gap is not None:
            for source in self._sources.values():
                yield from self._close_idle(source, self._config.max_gap)

    def _settled(self, source: Source) -> int:
        """Return the frame number before which nothing more will come."""
        return source.newest - self._config.reorder_frames

    def close(self) -> Iterator[CutPoses]:
        """End all tracks."""
        open_tracks = (track for s in self._sources.values() for track in s.tracks.values())
        for track in (*self._ended, *open_tracks):
            yield from track.close()
        self._ended.clear()
        self._sources.clear()

    def _close_idle(self, source: Source, max_gap: int) -> Iterator[CutPoses]:
        oldest = self._settled(source) - max_gap - 1
        idle = [key for key, track in source.tracks.items() if track.newest_frame < oldest]
        for key in idle:
            yield from source.tracks.pop(key).close()
