"""Annotating a DeepStream bodypose-3d file: segments out, labels in, the file with actions out."""

from __future__ import annotations

import logging
from array import array
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from math import nan
from pathlib import Path

import numpy as np
from msgspec import UNSET
from numpy.typing import NDArray

from converter.atomic import replacing
from converter.config import ConvertConfig
from converter.deepstream.intake import Intake
from converter.deepstream.output import STYLES, Contents, Labels, Style, labelled
from converter.deepstream.records import RecordFile
from converter.deepstream.schema import record_decoder
from converter.deepstream.summary import Summary
from converter.deepstream.tracker import Tracker
from converter.deepstream.tracks import CutPoses, TrackId
from converter.errors import InputError, check_choice
from converter.segment import LABEL_POLICIES, LabelPolicy

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Segment:
    """A stretch of a track for the network to classify.

    Attributes:
        index: Number of the segment, from 0 in the order in which `segments` yields them.
        keypoints: (T, V, 4) float32, raw: `pose3d` in mm or `pose25d` in pixels; nan where the
            file has no number.
        track: Whose poses they are.
        first_frame: `frame_num` of the first pose.
        last_frame: `frame_num` of the last pose.
    """

    index: int
    keypoints: NDArray[np.float32]
    track: TrackId
    first_frame: int
    last_frame: int


class AnnotationJob:
    """Labels the persons of one file, which is read twice and may be larger than the memory.

    First take all of `segments`, giving each its class with `assign`, then `write`.

    Args:
        path: A JSON array of records, or one record a line; plain or gzip.
        config: How to cut and what poses to take.
        policy: Which frames a segment labels (see `converter.segment.Segmenter`).

    Attributes:
        summary: What was met so far.

    Raises:
        InputError: The policy is unknown.
    """

    def __init__(
        self, path: str | Path, config: ConvertConfig, policy: LabelPolicy = "dense"
    ) -> None:
        check_choice("label policy", policy, LABEL_POLICIES)
        self.summary = Summary()
        self._config = config
        self._file = RecordFile(Path(path), self.summary)
        self._tracker = Tracker(config, policy, self.summary)
        self._intake = Intake(config, self._tracker, self.summary)
        self._segment_of = np.empty(0, dtype=np.int32)  # of each object, -1 for none
        self._classes = array("i")  # of each segment, -1 for none
        self._scores = array("f")
        self._contents: list[Contents] = []  # of each chunk of the file
        self._reading: Generator[Segment, None, None] | None = None
        self._all_read = False

    def __enter__(self) -> AnnotationJob:
        return self

    def __exit__(self, *_: object) -> None:
        if self._reading is not None:
            self._reading.close()

    @property
    def fraction(self) -> float:
        """Share 0..1 of the file that the present pass, reading or writing, has done."""
        return self._file.fraction

    def segments(self) -> Generator[Segment, None, None]:
        """Yield the segments of all tracks as soon as they are complete; can be called once.

        Raises:
            InputError: The file is not what it should be; the message names the place.
            RuntimeError: Called a second time.
        """
        if self._reading is not None:
            raise RuntimeError("the segments of a job can be taken once")
        self._reading = self._read()
        return self._reading

    def assign(self, index: int, class_index: int, score: float = nan) -> None:
        """Give segment number `index` its class, and the score of that (nan for none).

        Raises:
            IndexError: There is no such segment yet.
            ValueError: The class is below 0.
        """
        if not 0 <= index < len(self._classes):
            raise IndexError(f"there is no segment {index} yet")
        if class_index < 0:
            raise ValueError(f"class_index is {class_index}, must be at least 0")
        self._classes[index] = class_index
        self._scores[index] = score

    def write(
        self,
        output_path: str | Path,
        labels: Sequence[str],
        scores: bool = False,
        style: Style = "verbatim",
    ) -> Summary:
        """Write the records with an `action` in every object; "" where no segment labels it.

        Args:
            output_path: The file to write or replace, once all is well.
            labels: Class names.
            scores: Also write `action_score`, the score of the segment, where it is finite.
            style: "verbatim" leaves the text as it is but for what is added and `num_obj_meta`,
                which is the fastest; "nvidia" is the layout of its client; "compact" has no white
                space. Parsed, all three are the same.

        Raises:
            InputError: The file has changed since it was read, or is nested too deeply, or there
                is no such style.
            ValueError: A class has no name.
            RuntimeError: Segments are left that have not been taken.
        """
        check_choice("style", style, STYLES)
        if not self._all_read:
            raise RuntimeError("take all segments before writing")
        classes = np.append(np.array(self._classes, dtype=np.int32), np.int32(-1))
        if classes.max() >= len(labels):
            raise ValueError(f"class {classes.max()} has no name: there are {len(labels)} labels")
        classes = classes[self._segment_of]
        given = None
        if scores:
            values = np.append(np.array(self._scores, dtype=np.float32), np.float32(nan))
            given = np.where(np.isfinite(values), values, np.float32(nan))[self._segment_of]
        try:
            with replacing(Path(output_path)) as output:
                text = labelled(self._file, self._contents, Labels(labels, classes, given), style)
                output.writelines(text)
        except RecursionError:
            raise InputError(f"{self._file.path}: nested too deeply to be written") from None
        self.summary.labelled = int(np.count_nonzero(classes >= 0))
        return self.summary

    def _read(self) -> Generator[Segment, None, None]:
        number = 0
        for records in self._file.scan(record_decoder(self._config.pose_key)):
            before = self.summary.objects
            for record in records:
                self._intake.take(record, self._file.path, number)
                number += 1
            frames = chain.from_iterable(record.batches for record in records)
            numbers = sum(frame.num_obj_meta is not UNSET for frame in frames)
            self._contents.append(Contents(self.summary.objects - before, numbers))
            yield from self._enlist(self._tracker.flush())
        yield from self._enlist(self._tracker.close())
        for left_out, taken in self._tracker.twins:
            self._segment_of[left_out] = self._segment_of[taken]
        self._segment_of = self._segment_of[: self.summary.objects]
        self._all_read = True
        self._conclude()

    def _enlist(self, cuts: Iterator[CutPoses]) -> Iterator[Segment]:
        self._make_room()
        for cut in cuts:
            index = len(self._classes)
            self._classes.append(-1)
            self._scores.append(nan)
            self._segment_of[cut.labelled] = index
            self.summary.segments += 1
            frames = cut.poses.frames
            yield Segment(
                index, cut.poses.keypoints.copy(), cut.track, int(frames[0]), int(frames[-1])
            )

    def _make_room(self) -> None:
        """Let `_segment_of` hold all objects so far."""
        if (needed := self.summary.objects) > len(self._segment_of):
            grown = np.full(2 * needed, -1, dtype=np.int32)
            grown[: len(self._segment_of)] = self._segment_of
            self._segment_of = grown

    def _conclude(self) -> None:
        self.summary.check_poses(self._config, str(self._file.path))
        for warning in self.summary.warnings:
            _log.warning("%s: %s", self._file.path, warning)
