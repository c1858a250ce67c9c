"""Kafka brokers that librdkafka itself plays; they listen on loopback."""

from __future__ import annotations

import pytest


class Brokers:
    """One broker, which lives as long as this object; ``url`` is ``kafka://host:port``."""

    def __init__(self) -> None:
        kafka = pytest.importorskip("confluent_kafka", reason="needs the extra live")
        self._producer = kafka.Producer(
            {
                "test.mock.num.brokers": 1,
                "bootstrap.servers": "replaced",
                "log_level": 2,
                "linger.ms": 0,
            }
        )
        (broker,) = self._producer.list_topics(timeout=60).brokers.values()
        self.url = f"kafka://{broker.host}:{broker.port}"

    def send(self, topic: str, *messages: bytes) -> None:
        for message in messages:
            self._producer.produce(topic, message, partition=0)
        assert self._producer.flush(60) == 0
