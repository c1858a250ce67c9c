"""The poses that the deepstream-bodypose-3d app publishes to Kafka (`--conn-str`)."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from converter import InputError
from converter.deepstream.broker import to_record
from video.sources.deepstream import PRODUCER

log = logging.getLogger(__name__)

CONNECT = 10.0  # seconds to find the topic


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
        raise InputError("kafka:// needs confluent-kafka: run scripts/setup_env.sh live") from None
    servers, topic = _parse(url)
    troubles = _Troubles(url)
    consumer = kafka.Consumer(
        {
            "bootstrap.servers": servers,
            "group.id": PRODUCER.replace(" ", "-"),
            "enable.auto.commit": False,
            "enable.partition.eof": not live,
            "log_level": 2,  # what it would log comes to the error callback as well
            "error_cb": troubles.note,
        }
    )
    try:
        open_partitions = _assign(consumer, kafka, url, topic, live)
        while open_partitions:
            message = consumer.poll(1.0)
            if message is None:
                continue
            if (error := message.error()) is None:
                troubles.end()
                yield from _decode(message.value() or b"", f"{url} offset {message.offset()}")
            elif error.code() == kafka.KafkaError._PARTITION_EOF:
                open_partitions.discard(message.partition())
            else:
                troubles.note(error)
    finally:
        consumer.close()


def _parse(url: str) -> tuple[str, str]:
    """The servers and the topic of a URL."""
    try:
        place = urlsplit(url)
    except ValueError:  # brackets that are no IPv6 address
        place = urlsplit("")
    topic = place.path.strip("/")
    if not place.netloc or "@" in place.netloc or not topic or "/" in topic:
        raise InputError(f"{url}: must be kafka://host:port/topic")
    return place.netloc, topic


class _Troubles:
    """Says once why there are no messages; librdkafka keeps trying, and telling."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._told: set[int] = set()

    def note(self, error: Any) -> None:
        """Log an error, unless that kind of it is known."""
        if error.code() not in self._told:
            log.warning("%s: %s", self._url, error.str())
        self._told.add(error.code())

    def end(self) -> None:
        """Forget all troubles, because a message has come."""
        self._told.clear()


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
        yield to_record(text, producer=PRODUCER)
    except ValueError as error:
        log.warning(
            "%s: dropped, it is not a frame in DeepStream's minimal schema: %s", where, error
        )
