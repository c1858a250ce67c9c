"""The messages that the deepstream-bodypose-3d app publishes to a broker (`--conn-str`).

A message is a frame in the minimal schema of DeepStream's nvmsgconv: `id` (frame number),
`@timestamp`, `sensorId` and one string an object,
`id|left|top|right|bottom|label|#||||||confidence|#|pose3D|pelvis,x,y,z,confidence|...`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
import numpy as np
import orjson
from numpy.typing import NDArray

from converter.layouts import get_layout

_POSE_KEYS = {"pose3D": "pose3d", "pose25D": "pose25d"}


class _Message(msgspec.Struct):
    """One frame as it is published."""

    id: int | str
    objects: list[str]
    timestamp: str = msgspec.field(name="@timestamp", default="")
    sensor: str = msgspec.field(name="sensorId", default="0")


def to_record(text: bytes, **extra: Any) -> bytes:
    """Return the record, as JSON text, of a message.

    Args:
        text: The message.
        extra: Further keys of the record.

    Raises:
        ValueError: It is not in the minimal schema.
    """
    try:
        message = msgspec.json.decode(text, type=_Message)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    objects = [_object(entry) for entry in message.objects]
    frame = {
        "batch_id": 0,
        "frame_num": int(message.id),
        "source_id": message.sensor,
        "ntp_timestamp": _nanoseconds(message.timestamp),
        "num_obj_meta": len(objects),
        "objects": objects,
    }
    record = {**extra, "num_frames_in_batch": 1, "batches": [frame]}
    try:
        return orjson.dumps(record, option=orjson.OPT_SERIALIZE_NUMPY)
    except TypeError as error:  # a number of more than 64 bits: an id, or the time of year 1
        raise ValueError(str(error)) from error


def _object(text: str) -> dict[str, Any]:
    words = text.split("|")
    left, top, right, bottom = map(float, words[1:5])
    box = [left, top, right - left, bottom - top]
    found: dict[str, Any] = {"object_id": int(words[0]), "bbox": box}
    for name, key in _POSE_KEYS.items():
        if name in words:
            found[key] = _pose(words[words.index(name) + 1 :]).ravel()
    return found


def _pose(words: list[str]) -> NDArray[np.float64]:
    """(34, 4) from `joint,x,y,z,confidence` words, which end at the first of another form."""
    joints = get_layout("nvidia").joints
    pose = np.zeros((len(joints), 4))
    for word in words:
        name, *numbers = word.split(",")
        if len(numbers) != 4:
            break
        pose[joints.index(name.replace("-", "_"))] = [float(number) for number in numbers]
    return pose


def _nanoseconds(text: str) -> int:
    """Nanoseconds since the epoch of an ISO time; 0 without one."""
    if not text:
        return 0
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return round(moment.timestamp() * 1000) * 1_000_000
