"""Poses from a Kafka topic; the broker is librdkafka's own mock cluster."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from converter import ConvertConfig
from converter.deepstream import AnnotationJob
from tests.client.live.brokers import Brokers
from tests.converter.deepstream.test_broker import message
from video.poses import main

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def brokers() -> Brokers:
    return Brokers()


def test_a_topic_becomes_a_document(
    brokers: Brokers, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    brokers.send("door", *[message(n) for n in range(40)], b"nonsense", message(40))
    output = tmp_path / "poses.json"
    assert main([f"{brokers.url}/door", "-o", str(output)]) == 0
    records = json.loads(output.read_text())
    assert [record["batches"][0]["frame_num"] for record in records] == list(range(41))
    assert {record["producer"] for record in records} == {"DeepStream bodypose-3d"}
    assert "offset 40: dropped, it is not a frame" in caplog.text
    with AnnotationJob(output, ConvertConfig()) as job:
        (segment,) = job.segments()
    assert segment.track == ("door", "12")


def test_what_cannot_be_read_does_not_flood_the_log_and_is_no_success(
    brokers: Brokers, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    brokers.send("noise", *[b"nonsense"] * 15)
    output = tmp_path / "poses.json"
    assert main([f"{brokers.url}/noise", "-o", str(output)]) == 2
    said = [record.getMessage() for record in caplog.records]
    topic = f"topic noise of {brokers.url.removeprefix('kafka://')}"
    assert sum("dropped, it is not a frame" in line for line in said) == 10
    assert said[-3:] == [
        "further messages that are dropped are only counted",
        f"{topic}: 15 of 15 messages dropped",
        f"{topic}: no message could be read, see above",
    ]
    assert not output.exists()


def test_settings_of_librdkafka_stand_in_the_url(
    brokers: Brokers, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    brokers.send("window", message(0))
    url, output = f"{brokers.url}/window", str(tmp_path / "poses.json")
    assert main([f"{url}?client.id=me&isolation.level=read_uncommitted", "-o", output]) == 0
    assert main([f"{url}?from=earliest", "-o", output]) == 2
    topic = f"topic window of {brokers.url.removeprefix('kafka://')}"
    assert caplog.messages[-1] == f'{topic}: No such configuration property: "from"'


def test_live_writes_what_is_published_from_now_on(brokers: Brokers) -> None:
    brokers.send("gate", message(0))
    command = [sys.executable, "-m", "video.poses", f"{brokers.url}/gate", "-o", "-", "--live"]
    with (
        ThreadPoolExecutor() as reader,
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process,
    ):
        assert process.stdout
        first = reader.submit(process.stdout.readline)
        number, deadline = 0, time.monotonic() + 120
        while not first.done() and time.monotonic() < deadline:
            brokers.send("gate", message(number := number + 1))
            time.sleep(0.1)
        live = first.done()
        brokers.send("gate", *[message(number + more) for more in (1, 2, 3)])
        process.terminate()
        lines = [first.result(), *process.stdout]
    assert (live, process.returncode) == (True, 0)
    numbers = [json.loads(line)["batches"][0]["frame_num"] for line in lines]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert numbers[0] > 0


def test_no_broker_is_a_mistake_that_is_told_once(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("video.sources.kafka.CONNECT", 1.0)
    output = tmp_path / "poses.json"
    assert main(["kafka://localhost:9/door", "-o", str(output)]) == 2
    *warnings, last = [record.getMessage() for record in caplog.records]
    assert "no broker answers" in last
    assert sum("Connection refused" in warning for warning in warnings) == 1
    assert len(warnings) <= 2
    assert "rdkafka" not in capfd.readouterr().err
    assert not output.exists()
