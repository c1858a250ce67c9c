"""A document with actions, read twice: who did what when, then frame by frame.

The document is DeepStream's bodypose-3d JSON with an `action` in every object, as `tao_client`
writes it. It may be larger than the memory; frames may stand a little out of order in it.
"""

from __future__ import annotations

import logging
from collections.abc import Generator, Iterable, Iterator
from math import isfinite, nan
from pathlib import Path
from typing import NamedTuple

import msgspec
from msgspec import field

from converter.config import ConvertConfig
from converter.deepstream.explain import locate
from converter.deepstream.records import RecordFile
from converter.deepstream.schema import Frame, Object, Record
from converter.deepstream.summary import Summary
from converter.errors import InputError
from converter.layouts import get_layout

log = logging.getLogger(__name__)

LAYOUT = get_layout("nvidia")


class Person(Object, gc=False):
    """One person in one frame, as it stands in the document."""

    pose: list[float | None] | None = field(name="pose25d", default=None)
    pose3d: list[float | None] | None = None
    bbox: list[float | None] | None = None
    action: str | None = None
    action_score: float | None = None

    @property
    def name(self) -> str:
        """The id, as text."""
        return str(self.object_id)

    @property
    def box(self) -> tuple[float, float, float, float] | None:
        """(left, top, width, height) in pixels; None where there is no whole box."""
        numbers = [number for number in self.bbox or () if number is not None and isfinite(number)]
        if len(numbers) != 4 or numbers[2] <= 0 or numbers[3] <= 0:
            return None
        return numbers[0], numbers[1], numbers[2], numbers[3]

    @property
    def score(self) -> float:
        """The score of the action, 0..1; nan for none."""
        return nan if self.action_score is None else self.action_score


class _Record(Record[Person], gc=False):
    producer: str | None = None


class PeopleOf(NamedTuple):
    """The persons of one frame."""

    frame: int
    people: list[Person]


_decode = msgspec.json.Decoder(list[_Record]).decode


class Document:
    """The frames of one source of a document, in order.

    Args:
        path: The document: a JSON array or one record a line, plain or gzip.
        source: `source_id` (or else `batch_id`) of the source; None takes the first one met.

    Attributes:
        producer: What made the poses, where the document says so; known after `first_pass`.

    Raises:
        InputError: From every method: the document is not what it should be.
    """

    def __init__(self, path: Path, source: str | None = None) -> None:
        self.path = path
        self.source = source
        self.producer = ""
        self._summary = Summary()
        self._file = RecordFile(path, self._summary)
        self._others: set[str] = set()
        self._restarted = False

    @property
    def fraction(self) -> float:
        """Share 0..1 of the document that the present pass has read."""
        return self._file.fraction

    def first_pass(self) -> Generator[PeopleOf, None, None]:
        """Yield all frames with persons, and warn at the end of what is left out."""
        poses = objects = 0
        for moment in self._in_order(self._frames(self._file.scan(_decode), check=True)):
            objects += len(moment.people)
            poses += sum(p.pose is not None or p.pose3d is not None for p in moment.people)
            yield moment
        if self.source is not None and not objects and self._others:
            known = ", ".join(sorted(self._others))
            raise InputError(f"{self.path}: no source '{self.source}'; there are: {known}")
        if not poses:
            what = "no object has poses (pose25d or pose3d)" if objects else "there are no persons"
            raise InputError(f"{self.path}: {what}, so there is nothing to draw")
        self._warn()

    def second_pass(self) -> Iterator[PeopleOf]:
        """Yield the frames of `first_pass` again."""
        yield from self._in_order(self._frames(self._file.replay(_decode), check=False))

    def _frames(self, chunks: Iterable[list[_Record]], check: bool) -> Iterator[PeopleOf]:
        number = 0
        for records in chunks:
            for record in records:
                self.producer = self.producer or record.producer or ""
                for frame in record.batches:
                    if check:
                        self._check(number, frame)
                    if self._is_ours(frame):
                        yield PeopleOf(frame.frame_num, frame.objects)
                number += 1

    def _is_ours(self, frame: Frame[Person]) -> bool:
        name = str(frame.batch_id if frame.source_id is None else frame.source_id)
        if self.source is None:
            self.source = name
        if name != self.source:
            self._others.add(name)
        return name == self.source

    def _check(self, record: int, frame: Frame[Person]) -> None:
        for person in frame.objects:
            for key, pose in (("pose25d", person.pose), ("pose3d", person.pose3d)):
                if pose is not None and len(pose) != LAYOUT.num_joints * 4:
                    place = locate(self.path, record, frame.frame_num, person.object_id)
                    raise InputError(
                        f"{place}: '{key}' holds {len(pose)} numbers; the {LAYOUT.num_joints} "
                        f"joints of '{LAYOUT.name}' have {LAYOUT.num_joints * 4}"
                    )

    def _in_order(self, frames: Iterable[PeopleOf]) -> Iterator[PeopleOf]:
        """Sort frames that are a little late into their places; end where the video restarts."""
        late = ConvertConfig.reorder_frames
        waiting: dict[int, list[Person]] = {}
        newest: int | None = None
        for frame, people in frames:
            if newest is not None and frame < newest - late:
                self._restarted = True
                break
            newest = frame if newest is None else max(newest, frame)
            waiting.setdefault(frame, []).extend(people)
            for ready in sorted(key for key in waiting if key < newest - late):
                yield PeopleOf(ready, waiting.pop(ready))
        for ready in sorted(waiting):
            yield PeopleOf(ready, waiting[ready])

    def _warn(self) -> None:
        for warning in self._summary.warnings:
            log.warning("%s: %s", self.path, warning)
        if self._others:
            others = ", ".join(sorted(self._others))
            log.warning(
                "%s: source '%s' is drawn; choose another by its name: %s",
                *(self.path, self.source, others),
            )
        if self._restarted:
            log.warning(
                "%s: the frame numbers start again after record %d; the rest is not drawn",
                *(self.path, self._summary.records),
            )
