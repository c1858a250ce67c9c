"""A Kafka topic, over TCP, from brokers that librdkafka plays."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterator

import pytest

from client.live.kafka import KafkaSource, settings_of
from client.live.sources import Arrival
from converter import InputError
from converter.deepstream.broker import to_record
from converter.deepstream.topic import Topic
from scripts.embedded_triton import unused_port
from tests.client.live.brokers import Brokers
from tests.converter.deepstream.test_broker import message


@pytest.fixture(scope="module")
def brokers() -> Iterator[Brokers]:
    yield Brokers()


def read(source: KafkaSource, count: int) -> list[tuple[bytes, str]]:
    found: list[tuple[bytes, str]] = []
    end = time.monotonic() + 60
    while len(found) < count:
        assert time.monotonic() < end
        found += [(arrival.text, str(arrival.place)) for arrival in source.poll(0.1)]
    return found


def test_messages_arrive_in_order_with_their_place(brokers: Brokers) -> None:
    brokers.send("poses", b'{"a":1}', b"", b'{"b":2}')
    source = KafkaSource(f"{brokers.url}/poses?from=earliest")
    host = brokers.url.removeprefix("kafka://")
    assert read(source, 2) == [
        (b'{"a":1}', f"topic poses of {host}, partition 0, offset 0"),
        (b'{"b":2}', f"topic poses of {host}, partition 0, offset 2"),
    ]
    brokers.send("poses", b'{"c":3}')
    assert [text for text, _ in read(source, 1)] == [b'{"c":3}']
    source.close()


def test_a_frame_as_deepstream_publishes_it_becomes_a_record(brokers: Brokers) -> None:
    brokers.send("app", message(7), b'{"batches": []}', b'{"objects": 1}')
    source = KafkaSource(f"{brokers.url}/app?from=earliest")
    texts = [text for text, _ in read(source, 3)]
    assert texts == [to_record(message(7)), b'{"batches": []}', b'{"objects": 1}']
    source.close()


def test_what_is_wrong_with_a_frame_is_told(brokers: Brokers) -> None:
    sent = message(7).replace(b'"sensorId": "door"', b'"sensorId": 3')
    brokers.send("wrong", sent, b'{"batches": 1}')
    source = KafkaSource(f"{brokers.url}/wrong?from=earliest")
    found: list[Arrival] = []
    while len(found) < 2:
        found += source.poll(0.1)
    assert [arrival.text for arrival in found] == [sent, b'{"batches": 1}']
    assert found[0].fault.endswith("schema: Expected `str`, got `int` - at `$.sensorId`")
    assert not found[1].fault  # whoever decodes a record complains
    source.close()


def test_a_group_goes_on_where_it_stopped(brokers: Brokers) -> None:
    url = f"{brokers.url}/shift?group=night&from=earliest&session.timeout.ms=6000"
    brokers.send("shift", b"1", b"2")
    source = KafkaSource(url)
    assert [text for text, _ in read(source, 2)] == [b"1", b"2"]
    source.close()
    brokers.send("shift", b"3")
    source = KafkaSource(url)
    assert [text for text, _ in read(source, 1)] == [b"3"]
    source.close()


def test_a_broker_that_is_away_is_told_of_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with unused_port() as port:
        source = KafkaSource(f"kafka://127.0.0.1:{port}/poses")
        end = time.monotonic() + 60
        while not caplog.records and time.monotonic() < end:
            assert source.poll(0.1) == []
        for _ in range(10):
            assert source.poll(0.1) == []
        source.close()
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert "Connection refused" in record.getMessage()
    assert record.getMessage().endswith("; waiting for it")


def test_a_topic_that_comes_late(brokers: Brokers, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    source = KafkaSource(f"{brokers.url}/late?from=earliest&topic.metadata.propagation.max.ms=1000")
    end = time.monotonic() + 60
    while not caplog.records and time.monotonic() < end:
        assert source.poll(0.1) == []
    brokers.send("late", b"1")
    assert [text for text, _ in read(source, 1)] == [b"1"]
    source.close()
    assert [r.levelname for r in caplog.records] == ["WARNING", "INFO"]
    assert "not available" in caplog.messages[0]


def test_settings_come_from_the_url() -> None:
    url = "kafka://a:1,b:2/t?group=g&from=earliest&client.id=me"
    settings = settings_of(Topic.parse(url))
    assert settings["bootstrap.servers"] == "a:1,b:2"
    assert settings["group.id"] == "g"
    assert settings["auto.offset.reset"] == "earliest"
    assert settings["client.id"] == "me"
    other = settings_of(Topic.parse("kafka://a:1/t"))
    assert other["auto.offset.reset"] == "latest"
    assert other["group.id"].startswith("tao_client-")


def test_the_library_is_an_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "confluent_kafka", None)
    with pytest.raises(
        InputError, match=r"a:1/t: needs confluent-kafka: run scripts/setup_env.sh live"
    ):
        KafkaSource("kafka://a:1/t")


@pytest.mark.parametrize(
    ("setting", "message"),
    [("no.such=1", "No such configuration property"), ("session.timeout.ms=x", "Invalid value")],
)
def test_a_wrong_setting_is_the_users_mistake(setting: str, message: str) -> None:
    with pytest.raises(InputError, match=rf"topic t of a:1: {message}"):
        KafkaSource(f"kafka://a:1/t?{setting}")
