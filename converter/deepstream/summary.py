"""What was in a file and what became of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from converter.config import ConvertConfig
from converter.errors import InputError


@dataclass
class Summary:
    """Counts of one job; an object-frame is one person in one frame.

    Attributes:
        records: Records; DeepStream writes one for a batch of frames.
        frames: Frames in them.
        objects: Object-frames.
        poses: Object-frames that have a pose.
        tracks: Tracks found.
        segments: Segments that were cut from them.
        labelled: Object-frames that were given an action.
        short_tracks: Tracks shorter than `sequence_length_min`; they make no sequence.
        duplicates: Object-frames with the id of another one in the same frame.
        late: Object-frames of a live stream that came after the frames behind them were used.
        restarts: How often the frame number of a source went back too far to sort.
        mixed_sources: Sources, where there are several that policy `tao` takes for one.
        odd_batches: Records whose `num_frames_in_batch` is not the number of their frames.
        not_finite: Numbers that are nan or inf.
        damage: What is wrong with the end of the file, if something is.
    """

    records: int = 0
    frames: int = 0
    objects: int = 0
    poses: int = 0
    tracks: int = 0
    segments: int = 0
    labelled: int = 0
    short_tracks: int = 0
    duplicates: int = 0
    late: int = 0
    restarts: int = 0
    mixed_sources: int = 0
    odd_batches: int = 0
    not_finite: int = 0
    damage: str | None = None

    def check_poses(self, config: ConvertConfig, name: str) -> None:
        """See that there was a pose of the wanted type, if there was anybody at all.

        Args:
            config: Says what type is wanted.
            name: Of the input, for the message.

        Raises:
            InputError: There was none.
        """
        if self.objects and not self.poses:
            raise InputError(
                f"{name}: no object has '{config.pose_key}', which pose_type {config.pose_type} "
                "needs; choose the pose_type that the file has poses for"
            )

    @property
    def warnings(self) -> tuple[str, ...]:
        """One line for each kind of trouble that was met."""
        return tuple(self._warnings())

    def _warnings(self) -> Iterator[str]:
        if self.damage:
            yield self.damage
        if self.not_finite:
            yield f"{self.not_finite} numbers are nan or inf: read as missing, written as null"
        if self.odd_batches:
            yield f"{self.odd_batches} records do not hold num_frames_in_batch frames; all are used"
        if self.restarts:
            yield (
                f"frame numbers went back too far to sort ({self.restarts} times): the tracks of "
                "the source end there; are several videos mixed without source_id?"
            )
        if self.mixed_sources:
            yield (
                f"{self.mixed_sources} sources are taken for one, as NVIDIA does: persons of the "
                "same id are one track"
            )
        if self.duplicates:
            yield (
                f"{self.duplicates} objects have the id of another one in their frame: they get "
                "its action, their pose is not used"
            )
        if self.late:
            yield f"{self.late} objects came too late, or a second time: their pose is not used"
        if self.poses < self.objects:
            yield f"{self.objects - self.poses} objects have no pose: in no sequence, no action"
        if self.short_tracks:
            yield (
                f"{self.short_tracks} of {self.tracks} tracks are shorter than "
                "sequence_length_min: no sequence, no action"
            )
