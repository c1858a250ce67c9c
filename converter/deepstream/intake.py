"""Taking decoded records apart: what is in them is counted, and poses go to the tracker."""

from __future__ import annotations

import struct
from math import nan
from pathlib import Path

from converter.config import ConvertConfig
from converter.deepstream.explain import locate
from converter.deepstream.schema import Frame, Object, Record
from converter.deepstream.summary import Summary
from converter.deepstream.tracker import Tracker
from converter.errors import InputError


class Intake:
    """Hands the poses of records to a tracker.

    Args:
        config: What poses to expect.
        tracker: Gets the poses.
        summary: Counts frames, objects and poses.
    """

    def __init__(self, config: ConvertConfig, tracker: Tracker, summary: Summary) -> None:
        self._config = config
        self._tracker = tracker
        self._summary = summary
        self._packing = struct.Struct(f"{config.num_joints * 4}d")

    def take(
        self, record: Record[Object], path: Path, number: int, ordinal: int | None = None
    ) -> None:
        """Take one record.

        Args:
            record: The record.
            path: Where it comes from, for messages.
            number: Which record of that it is, for messages.
            ordinal: What its poses are known by; by default the number of objects before each.

        Raises:
            InputError: A pose has the wrong number of joints.
        """
        counts, tracker = self._summary, self._tracker
        counts.frames += len(record.batches)
        counts.odd_batches += record.num_frames_in_batch not in (None, len(record.batches))
        for frame in record.batches:
            name = frame.batch_id if frame.source_id is None else frame.source_id
            source = tracker.enter(str(name), frame.frame_num)
            for person in frame.objects:
                if person.pose is not None:
                    pose = self._pack(person.pose, path, number, frame, person)
                    known_by = counts.objects if ordinal is None else ordinal
                    tracker.add(source, str(person.object_id), known_by, frame.frame_num, pose)
                    counts.poses += 1
                counts.objects += 1

    def _pack(
        self,
        pose: list[float | None],
        path: Path,
        record: int,
        frame: Frame[Object],
        person: Object,
    ) -> bytes:
        try:
            return self._packing.pack(*pose)
        except struct.error:
            joints, key = self._config.num_joints, self._config.pose_key
            if len(pose) != joints * 4:
                place = locate(path, record, frame.frame_num, person.object_id)
                raise InputError(
                    f"{place}: '{key}' holds {len(pose)} numbers, but num_joints {joints} asks "
                    f"for {joints * 4}"
                ) from None
            return self._packing.pack(*(nan if number is None else number for number in pose))
