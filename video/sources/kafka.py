"""The poses that the deepstream-bodypose-3d app publishes to Kafka (`--conn-str`).

A message is a frame in the minimal schema of DeepStream's nvmsgconv: `id` (frame number),
`@timestamp`, `sensorId` and one string an object,
`id|left|top|right|bottom|label|#||||||confidence|#|pose3D|pelvis,x,y,z,confidence|...`.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import msgspec
import numpy as np
from numpy.typing import NDArray

from converter import InputError, get_layout
from video.sources.deepstream import PRODUCER
from video.writer import dumps

log = logging.getLogger(__name__)

POSE_KEYS = {"pose3D": "pose3d", "pose25D": "pose25d"}
CONNECT = 10.0  # seconds to find the topic


class Message(msgspec.Struct):
    """One frame as it is published."""

    id: int | str
    objects: list[str] = []
    timestamp: str = msgspec.field(name="@timestamp", default="")
    sensor: str = msgspec.field(name="sensorId", default="0")


def kafka_records(url: str, live: bool) -> Iterator[bytes]:
    """Yield the records of a topic, as JSON text.

    Args:
        url: `kafka://host:port/topic`.
        live: Wait for what is published from now on, for ever, across outages of the broker;
            else read what is there and stop.

    Raises:
        InputError: The URL is wrong, the topic cannot be found, or the client is not installed.
    """
    try:
        import confluent_kafka as kafka
    except ImportError:
        raise InputError("kafka:// needs: pip install 'tao-pose-triton[live]'") from None
    place = urlsplit(url)
    topic = place.path.strip("/")
    if not place.netloc or not topic or "/" in topic:
        raise InputError(f"{url}: must be kafka://host:port/topic")
    consumer = kafka.Consumer(
        {
            "bootstrap.servers": place.netloc,
            "group.id": PRODUCER.replace(" ", "-"),
            "enable.auto.commit": False,
            "enable.partition.eof": not live,
            "error_cb": lambda error: log.warning("%s: %s", url, error.str()),
        }
    )
    try:
        open_partitions = _assign(consumer, kafka, url, topic, live)
        while open_partitions:
            message = consumer.poll(1.0)
            if message is None:
                continue
            if (error := message.error()) is None:
                yield from _decode(message.value() or b"", f"{url} offset {message.offset()}")
            elif error.code() == kafka.KafkaError._PARTITION_EOF:
                open_partitions.discard(message.partition())
            else:
                log.warning("%s: %s", url, error.str())
    finally:
        consumer.close()


def to_record(text: bytes) -> bytes:
    """Return the record, as JSON text, of a message.

    Raises:
        ValueError: It is not in the minimal schema.
    """
    message = msgspec.json.decode(text, type=Message)
    objects = [_object(entry) for entry in message.objects]
    frame = {
        "batch_id": 0,
        "frame_num": int(message.id),
        "source_id": message.sensor,
        "ntp_timestamp": _nanoseconds(message.timestamp),
        "num_obj_meta": len(objects),
        "objects": objects,
    }
    return dumps({"producer": PRODUCER, "num_frames_in_batch": 1, "batches": [frame]})


def _assign(consumer: Any, kafka: Any, url: str, topic: str, live: bool) -> set[int]:
    """Read all partitions, from their start or their end; returns their numbers."""
    try:
        found = consumer.list_topics(topic, timeout=CONNECT).topics[topic]
    except kafka.KafkaException as error:
        raise InputError(f"{url}: no broker answers: {error.args[0].str()}") from None
    if found.error is not None:
        raise InputError(f"{url}: {found.error.str()}")
    offset = kafka.OFFSET_END if live else kafka.OFFSET_BEGINNING
    consumer.assign([kafka.TopicPartition(topic, number, offset) for number in found.partitions])
    return set(found.partitions)


def _decode(text: bytes, where: str) -> Iterator[bytes]:
    """Yield the message's record; one that is broken is logged and left out."""
    try:
        yield to_record(text)
    except ValueError as error:
        log.warning("%s: dropped, it is no frame of the minimal schema: %s", where, error)


def _object(text: str) -> dict[str, Any]:
    words = text.split("|")
    left, top, right, bottom = map(float, words[1:5])
    box = [left, top, right - left, bottom - top]
    found: dict[str, Any] = {"object_id": int(words[0]), "bbox": box}
    for name, key in POSE_KEYS.items():
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
