"""The poses that the deepstream-bodypose-3d app publishes to Kafka (`--conn-str`)."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

from converter import InputError
from converter.complaints import Complaints
from converter.deepstream.broker import to_record
from converter.deepstream.topic import Topic
from video.sources.deepstream import PRODUCER

log = logging.getLogger(__name__)

CONNECT = 10.0  # seconds to find the topic


def kafka_records(url: str, live: bool) -> Iterator[bytes]:
    """Yield the records of a topic, as JSON text.

    Args:
        url: `kafka://host:port/topic[?KEY=VALUE&...]`; a key is a setting of librdkafka, as in
            `?security.protocol=ssl`.
        live: Wait for what is published from now on, for ever, across outages of the broker;
            else read what is there and stop.

    Raises:
        InputError: The URL is wrong, the topic cannot be found or holds nothing that can be read,
            or the client is not installed.
    """
    try:
        import confluent_kafka as kafka
    except ImportError:
        raise InputError("kafka:// needs confluent-kafka: run scripts/setup_env.sh live") from None
    topic = Topic.parse(url)
    troubles, messages = _Troubles(topic), _Messages(topic)
    settings: dict[str, Any] = {
        "group.id": PRODUCER.replace(" ", "-"),
        "log_level": 2,  # what it would log comes to the error callback as well
        **topic.settings,
        "bootstrap.servers": topic.servers,
        "enable.auto.commit": False,
        "enable.partition.eof": not live,
        "error_cb": troubles.note,
    }
    try:
        consumer = kafka.Consumer(settings)
    except kafka.KafkaException as refusal:
        raise InputError(f"{topic}: {refusal.args[0].str()}") from None
    try:
        open_partitions = _assign(consumer, kafka, topic, live)
        while open_partitions:
            message = consumer.poll(1.0)
            if message is None:
                continue
            if (error := message.error()) is None:
                troubles.end()
                yield from messages.decode(message)
            elif error.code() == kafka.KafkaError._PARTITION_EOF:
                open_partitions.discard(message.partition())
            else:
                troubles.note(error)
    finally:
        consumer.close()
        messages.sum_up()
    messages.check()


class _Messages:
    """Decodes messages; those that are broken are left out and told of.

    Args:
        topic: Where they come from.
    """

    def __init__(self, topic: Topic) -> None:
        self._topic = topic
        self._broken = Complaints("messages that are dropped")
        self._count = 0

    def decode(self, message: Any) -> Iterator[bytes]:
        """Yield the record of a message of the client's, if it has one."""
        self._count += 1
        try:
            yield to_record(message.value() or b"", producer=PRODUCER)
        except ValueError as error:
            self._broken.note(
                f"{self._topic}, partition {message.partition()}, offset {message.offset()}: "
                f"dropped, it is not a frame in DeepStream's minimal schema: {error}"
            )

    def sum_up(self) -> None:
        """Log how many were dropped, if not each of them was told."""
        if self._broken.flooded:
            log.warning(
                "%s: %d of %d messages dropped", self._topic, self._broken.count, self._count
            )

    def check(self) -> None:
        """Raise an InputError if there were messages, but none of use."""
        if self._broken.count and self._broken.count == self._count:
            raise InputError(f"{self._topic}: no message could be read, see above")


class _Troubles:
    """Says once why there are no messages; librdkafka keeps trying, and telling."""

    def __init__(self, topic: Topic) -> None:
        self._topic = topic
        self._told: set[int] = set()

    def note(self, error: Any) -> None:
        """Log an error, unless that kind of it is known."""
        if error.code() not in self._told:
            log.warning("%s: %s", self._topic, error.str())
        self._told.add(error.code())

    def end(self) -> None:
        """Forget all troubles, because a message has come."""
        self._told.clear()


def _assign(consumer: Any, kafka: Any, topic: Topic, live: bool) -> set[int]:
    """Read all partitions, from their start or their end; returns their numbers."""
    try:
        found = consumer.list_topics(topic.name, timeout=CONNECT).topics[topic.name]
    except kafka.KafkaException as error:
        raise InputError(f"{topic}: no broker answers: {error.args[0].str()}") from None
    if found.error is not None:
        raise InputError(f"{topic}: {found.error.str()}")
    offset = kafka.OFFSET_END if live else kafka.OFFSET_BEGINNING
    consumer.assign(
        [kafka.TopicPartition(topic.name, number, offset) for number in found.partitions]
    )
    return set(found.partitions)
