"""What is decoded of a DeepStream bodypose-3d record to find its tracks.

Everything else in a record (timestamps, boxes, the other pose array) is passed over undecoded.
"""

from __future__ import annotations

from typing import Annotated, Generic, TypeVar

import msgspec
from msgspec import UNSET, Meta, Raw, Struct, UnsetType, field

from converter.deepstream.records import Decoder


class Object(Struct, gc=False):
    """One person in one frame; `pose` holds a, b, c, confidence of each joint."""

    object_id: int | str
    pose: list[float | None] | None = None


class _Object3D(Object, gc=False):
    pose: list[float | None] | None = field(name="pose3d", default=None)


class _Object25D(Object, gc=False):
    pose: list[float | None] | None = field(name="pose25d", default=None)


P = TypeVar("P", bound=Object)


class Frame(Struct, Generic[P], gc=False):
    """One frame of one source; only whether there is a `num_obj_meta` is asked."""

    frame_num: Annotated[int, Meta(ge=-(2**53), le=2**53)]
    source_id: int | str | None = None
    batch_id: int | str = 0
    num_obj_meta: Raw | UnsetType = UNSET
    objects: list[P] = []  # msgspec copies it


class Record(Struct, Generic[P], gc=False):
    """One batch of frames."""

    batches: list[Frame[P]]
    num_frames_in_batch: int | None = None


def record_decoder(pose_key: str) -> Decoder[Record[Object]]:
    """Return a decoder of an array of records that reads the poses under `pose_key`."""
    record = Record[_Object3D] if pose_key == "pose3d" else Record[_Object25D]
    return msgspec.json.Decoder(list[record]).decode  # type: ignore[valid-type]
