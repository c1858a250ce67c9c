"""A Kafka topic whose messages are records, or frames as DeepStream publishes them."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any
from uuid import uuid4

from client.live.sources import Arrival
from converter import InputError
from converter.deepstream.broker import to_record
from converter.deepstream.topic import Topic

log = logging.getLogger(__name__)

MOST = 100  # messages to take at a time
STARTS = ("latest", "earliest")


class KafkaSource:
    """The messages of one topic; see `LiveSource`.

    Args:
        url: `kafka://host:port[,host:port]/topic[?group=G][&from=latest|earliest]`; any other
            key is a setting of librdkafka, as in `&security.protocol=ssl`. Without a group
            reading begins at the newest message; with one, where the group stopped reading.

    Raises:
        InputError: The URL is wrong, or the library is not installed.
    """

    keeps = True

    def __init__(self, url: str) -> None:
        try:
            import confluent_kafka
        except ImportError:
            raise InputError(
                f"{url}: needs confluent-kafka: run scripts/setup_env.sh live"
            ) from None
        topic = Topic.parse(url)
        self.name, settings = str(topic), settings_of(topic)
        self._well = True
        try:
            self._consumer = confluent_kafka.Consumer(settings | {"error_cb": self._note_trouble})
            self._consumer.subscribe([topic.name])
        except confluent_kafka.KafkaException as error:
            raise InputError(f"{self.name}: {error.args[0].str()}") from None

    def poll(self, timeout: float) -> list[Arrival]:
        """See `LiveSource.poll`; a topic has no end."""
        found = []
        for message in self._consumer.consume(MOST, timeout):
            if message.error():
                self._note_trouble(message.error())
                continue
            if not self._well:
                log.info("%s: messages come again", self.name)
                self._well = True
            place = Path(f"{self.name}, partition {message.partition()}, offset {message.offset()}")
            if text := message.value():
                found.append(_arrival(text, place))
        return found

    def close(self) -> None:
        """Tell the brokers how far reading has come."""
        self._consumer.close()

    def _note_trouble(self, error: Any) -> None:
        """Say once that messages cannot be had; librdkafka keeps trying."""
        if self._well:
            log.warning("%s: %s; waiting for it", self.name, error.str())
        self._well = False


def _arrival(text: bytes, place: Path) -> Arrival:
    """Turn a message in DeepStream's own schema into a record; leave records as they are."""
    if b'"batches"' in text:
        return Arrival(text, place, 0)
    try:
        return Arrival(to_record(text), place, 0)
    except ValueError as error:
        fault = f"neither a record nor a frame of DeepStream's minimal schema: {error}"
        return Arrival(text, place, 0, fault)


def settings_of(topic: Topic) -> dict[str, Any]:
    """The settings of librdkafka.

    Raises:
        InputError: `from` is wrong.
    """
    keys: dict[str, Any] = dict(topic.settings)
    start = keys.pop("from", "latest")
    if start not in STARTS:
        raise InputError(f"{topic}: from={start} must be one of {', '.join(STARTS)}")
    return {
        "group.id": keys.pop("group", f"tao_client-{uuid4()}"),
        "auto.offset.reset": start,
        "max.poll.interval.ms": 86_400_000,  # reading may wait for the Triton server
        "log_level": 2,  # what it would log comes to the error callback as well
        **keys,
        "bootstrap.servers": topic.servers,
    }
