"""Streams labelled while they come: what arrives when, and what survives what."""

from __future__ import annotations

import fcntl
import gzip
import json
import os
import re
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest

from client.cli import main
from scripts.embedded_triton import EmbeddedTriton
from tests.client.live.brokers import Brokers
from tests.server.client_inputs import actions, document, flags_of

WALKING, SITTING = 4, 2
LINE = re.compile(r"\d\d:\d\d:\d\d\.\d\d\d  source 0  id (\w+)  (\w+)  [01]\.\d\d")


def lines(tracks: dict[int, Sequence[int]]) -> list[bytes]:
    """A document as lines, one a frame."""
    return [orjson.dumps(record) + b"\n" for record in document(tracks)]


class Live:
    """A running ``tao_client SOURCE --live``."""

    def __init__(self, server: EmbeddedTriton, source: str, out: Path, *flags: str) -> None:
        self._events = out / "results.ndjson"
        self._log = out.with_name("live.log")
        words = [sys.executable, "-m", "client", source, "--live", "-u", server.http_url]
        pipe = subprocess.PIPE
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [*words, "--output_path", str(out), *flags], stdin=pipe, stdout=pipe, stderr=log
            )

    def feed(self, *records: bytes) -> None:
        assert self.process.stdin is not None
        for record in records:
            self.process.stdin.write(record)
        self.process.stdin.flush()

    @property
    def has_read_all(self) -> bool:
        """Whether it has taken what it was fed; a signal that comes now takes none of it away."""
        assert self.process.stdin is not None
        return not any(fcntl.ioctl(self.process.stdin, termios.FIONREAD, bytes(4)))

    @property
    def log(self) -> str:
        """What it has logged up to now."""
        return self._log.read_text()

    @property
    def events(self) -> list[dict[str, Any]]:
        if not self._events.exists():
            return []
        return [json.loads(line) for line in self._events.read_text().splitlines()]

    def wait_until(self, condition: Callable[[], bool]) -> None:
        """Wait while the run goes on."""
        end = time.monotonic() + 120
        while not condition():
            assert self.process.poll() is None, self.log
            assert time.monotonic() < end, (self.events, self.log)
            time.sleep(0.02)

    def wait_for(self, count: int) -> list[dict[str, Any]]:
        """Wait for so many events while the source is open."""
        self.wait_until(lambda: len(self.events) >= count)
        return self.events

    def finish(self, number: signal.Signals | None = None) -> tuple[int, str, str]:
        """End the source, or send a signal; returns the exit code, stdout, and the log."""
        if number:
            self.process.send_signal(number)
        out, _ = self.process.communicate(timeout=120)
        assert "Traceback" not in self.log, self.log
        return self.process.returncode, out.decode(), self.log


@pytest.fixture
def live(triton: EmbeddedTriton, tmp_path: Path) -> Iterator[Callable[..., Live]]:
    """Starts live runs: ``live(source, *flags, server=None)``."""
    with running(triton, tmp_path / "out") as start:
        yield start


@contextmanager
def running(triton: EmbeddedTriton, out: Path) -> Iterator[Callable[..., Live]]:
    started: list[Live] = []

    def start(source: str, *flags: str, server: EmbeddedTriton | None = None) -> Live:
        started.append(Live(server or triton, source, out, *flags))
        return started[-1]

    yield start
    for run in started:
        run.process.kill()
        run.process.communicate()


def spans(events: list[dict[str, Any]]) -> list[tuple[str, int, int, str]]:
    return [(e["object_id"], e["first_frame"], e["last_frame"], e["action"]) for e in events]


@pytest.mark.parametrize("way", ["http", "grpc-stream"])
@pytest.mark.parametrize("flags", [["-m", "pose_classification"], ["-b", "4"]], ids=" ".join)
def test_a_label_comes_with_the_last_frame_of_its_stride(
    way: str, flags: list[str], live: Callable[..., Live], triton: EmbeddedTriton
) -> None:
    flags = [*flags, *flags_of(way, triton)]
    run = live("-", *flags)
    frames = lines({3: [WALKING] * 170, 5: [SITTING] * 120})
    run.feed(*frames[:100])
    first = run.wait_for(2)
    assert sorted(spans(first)) == [("3", 0, 99, "walking"), ("5", 0, 99, "sitting")]
    run.feed(*frames[100:149])
    time.sleep(0.5)
    assert len(run.events) == 2
    run.feed(frames[149])
    assert spans(run.wait_for(3)[2:]) == [("3", 50, 149, "walking")]
    assert all(0 <= event["latency"] < 30 for event in run.events)
    run.feed(*frames[150:])
    code, out, log = run.finish()
    assert code == 0
    assert sorted(spans(run.events[3:])) == [("3", 70, 169, "walking"), ("5", 20, 119, "sitting")]
    shown = [LINE.fullmatch(line) for line in out.splitlines()]
    assert [(m[1], m[2]) for m in shown if m] == [(e["object_id"], e["action"]) for e in run.events]
    assert len(shown) == 5
    assert "stdin: 170 frames read, 5 segments, 5 labelled, 0 dropped; 0 records broken" in log
    assert log.splitlines()[-1].endswith("PASS")


def test_a_stream_gives_the_labels_that_a_file_gives(
    live: Callable[..., Live], triton: EmbeddedTriton, tmp_path: Path
) -> None:
    tracks = {1: [WALKING] * 90 + [SITTING] * 150, 2: [SITTING] * 60}
    path = tmp_path / "poses.json"
    path.write_bytes(orjson.dumps(document(tracks)))
    assert main([str(path), "-u", triton.http_url, "--output_path", str(tmp_path / "file")]) == 0
    run = live("-")
    run.feed(path.read_bytes())
    assert run.finish()[0] == 0
    found: dict[int, list[str]] = {key: [""] * len(value) for key, value in tracks.items()}
    middles: dict[int, list[float]] = {key: [-1e9] * len(value) for key, value in tracks.items()}
    for event in run.events:  # a frame has the label of the segment whose middle is nearest
        key, middle = int(event["object_id"]), (event["first_frame"] + event["last_frame"]) / 2
        for frame in range(event["first_frame"], event["last_frame"] + 1):
            if abs(frame - middle) <= abs(frame - middles[key][frame]):
                found[key][frame], middles[key][frame] = event["action"], middle
    assert found == actions(tmp_path / "file/results.json")


def test_a_growing_file_and_a_stop(live: Callable[..., Live], tmp_path: Path) -> None:
    path = tmp_path / "poses.json"
    run = live(str(path))
    frames = [frame.strip() for frame in lines({7: [WALKING] * 210})]
    with path.open("wb", buffering=0) as file:  # as DeepStream writes it: an array, never closed
        file.write(b"[" + b",\n".join(frames[:50]))
        for frame in frames[50:100]:
            file.write(b",\n" + frame)
        assert spans(run.wait_for(1)) == [("7", 0, 99, "walking")]
        assert run.events[0]["latency"] < 30
        file.write(b",\n" + b",\n".join(frames[100:150]))
        run.wait_for(2)
    path.rename(tmp_path / "poses.json.1")
    (tmp_path / "new").write_bytes(b"[" + b",\n".join(frames[150:]))
    (tmp_path / "new").rename(path)  # after rotation; it is read in one go
    run.wait_for(3)
    code, _, log = run.finish(signal.SIGTERM)
    assert code == 0
    assert spans(run.events[2:]) == [("7", 100, 199, "walking"), ("7", 110, 209, "walking")]
    assert "is another file now" in log
    assert "210 frames read, 4 segments, 4 labelled, 0 dropped" in log


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_run_in_good_order(
    number: signal.Signals, live: Callable[..., Live]
) -> None:
    run = live("-")
    run.feed(*lines({1: [WALKING] * 130}))
    run.wait_for(1)
    run.wait_until(lambda: run.has_read_all)
    code, _, log = run.finish(number)
    assert code == 0
    assert spans(run.events) == [("1", 0, 99, "walking"), ("1", 30, 129, "walking")]
    assert "130 frames read, 2 segments, 2 labelled, 0 dropped" in log


def test_broken_lines_are_named_counted_and_passed_over(live: Callable[..., Live]) -> None:
    frames = lines({1: [WALKING] * 100})
    frames[40:40] = [b'{"batches": [{"frame_num"\n', b"Warning: no signal\n"]
    frames[60:60] = [b"\n", b'{"batches": [{"frame_num": 1.5}]}\n'] * 15
    run = live("-")
    run.feed(*frames)
    assert spans(run.wait_for(1)) == [("1", 0, 99, "walking")]
    code, _, log = run.finish()
    assert code == 0
    warnings = [line for line in log.splitlines() if "[WARNING]" in line]
    assert len(warnings) == 11
    assert "stdin, line 41: record 40 is not valid JSON" in warnings[0]
    assert "stdin, line 42: record 41 is not valid JSON" in warnings[1]
    assert "stdin, line 62: record 60, frame 1.5: 'frame_num' must be" in warnings[2]
    assert "further broken records are only counted" in warnings[-1]
    assert "100 frames read, 1 segments, 1 labelled, 0 dropped; 17 records broken" in log


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"no\nrecords\n", "stdin: no frame read, 2 records broken: see above"),
        (gzip.compress(b"".join(lines({1: [WALKING]}))), "broken: it is gzip, unpack it first"),
    ],
)
def test_a_stream_without_a_frame(text: bytes, message: str, live: Callable[..., Live]) -> None:
    run = live("-")
    run.feed(text)
    code, _, log = run.finish()
    assert code == 2
    assert message in log.splitlines()[-1]


@pytest.mark.parametrize("way", ["http", "grpc-stream"])
def test_a_server_killed_and_restarted(
    way: str, live: Callable[..., Live], serve: Callable[..., Any]
) -> None:
    server, _ = serve()
    run = live("-", *flags_of(way, server), server=server)
    frames = lines({1: [WALKING] * 250})
    run.feed(*frames[:100])
    run.wait_for(1)
    server.kill()
    run.feed(*frames[100:200])
    run.wait_until(lambda: "trying again" in run.log)
    server.restart()
    run.wait_for(3)
    run.feed(*frames[200:])
    code, _, log = run.finish()
    assert code == 0
    assert [event["last_frame"] for event in run.events] == [99, 149, 199, 249]
    assert log.count("trying again\n") == 1
    assert "answers again" in log
    assert "4 labelled, 0 dropped" in log


def test_a_server_that_stays_away(live: Callable[..., Live], serve: Callable[..., Any]) -> None:
    server, _ = serve()
    run = live("-", "--deadline", "10", server=server)
    run.feed(*lines({1: [WALKING] * 100}))
    run.wait_for(1)
    server.kill()
    run.feed(*lines({1: [WALKING] * 200})[100:])
    code, _, log = run.finish()
    assert code == 1
    assert "3 segments, 1 labelled, 2 dropped (2 no answer)" in log
    assert "the server stopped answering: 2 segments have no label" in log.splitlines()[-1]


def test_a_second_signal_ends_at_once(live: Callable[..., Live], serve: Callable[..., Any]) -> None:
    server, _ = serve()
    run = live("-", server=server)
    run.feed(*lines({1: [WALKING] * 100}))
    run.wait_for(1)
    server.kill()
    run.feed(*lines({1: [WALKING] * 150})[100:])
    run.wait_until(lambda: "trying again" in run.log)
    run.process.send_signal(signal.SIGTERM)  # another number: two of one may arrive as one
    code, _, log = run.finish(signal.SIGINT)
    assert code == 130  # and not 1, as after waiting for the server
    assert "2 segments, 1 labelled, 1 dropped (1 no answer)" in log


def test_a_topic(live: Callable[..., Live]) -> None:
    brokers = Brokers()
    frames = lines({4: [SITTING] * 150})
    brokers.send("poses", *frames[:100])
    run = live(f"{brokers.url}/poses?from=earliest")
    assert spans(run.wait_for(1)) == [("4", 0, 99, "sitting")]
    brokers.send("poses", b"nonsense", *frames[100:])
    run.wait_for(2)
    code, _, log = run.finish(signal.SIGTERM)
    assert code == 0
    told = "offset 100: neither a record nor a frame of DeepStream's minimal schema: JSON is mal"
    assert f", partition 0, {told}" in log
    assert "150 frames read, 2 segments, 2 labelled, 0 dropped; 1 records broken" in log


def test_the_file_is_appended_to(live: Callable[..., Live]) -> None:
    for _ in range(2):
        run = live("-")
        run.feed(*lines({1: [WALKING] * 100}))
        assert run.finish()[0] == 0
    assert len(run.events) == 2


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-", "-"], "name one source"),
        (["-", "--label-policy", "tao"], "--label-policy tao"),
        (["kafka://host"], "must be kafka://HOST:PORT/TOPIC"),
        (["-", "--output_path", "FILE"], "FILE: is not a folder"),
    ],
)
def test_mistakes(
    words: list[str],
    message: str,
    triton: EmbeddedTriton,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("FILE").touch()
    with Path(os.devnull).open() as nothing:
        monkeypatch.setattr(sys, "stdin", nothing)
        assert main([*words, "--live", "-u", triton.http_url]) == 2
    assert message in caplog.messages[-1]


def test_a_server_that_refuses_everything(live: Callable[..., Live]) -> None:
    run = live("-", "-m", "pose_classification", "--unknown")  # the tiny network cannot answer it
    run.feed(*lines({1: [WALKING] * 150}))
    code, _, log = run.finish()
    assert code == 1
    assert "2 segments, 0 labelled, 2 dropped (2 refused)" in log
    assert "the server refused all 2 segments" in log.splitlines()[-1]


def test_nobody_reads_the_labels(live: Callable[..., Live]) -> None:
    run = live("-")
    assert run.process.stdout is not None
    run.process.stdout.close()
    run.feed(*lines({1: [WALKING] * 100}))
    assert run.process.wait(120) == 1
    assert "Broken pipe" in run.log
    assert "Traceback" not in run.log
    assert "Exception ignored" not in run.log


def test_poses_of_another_type_are_told(live: Callable[..., Live]) -> None:
    run = live("-")
    run.feed(*[frame.replace(b'"pose3d"', b'"pose25d"') for frame in lines({1: [WALKING] * 120})])
    code, _, log = run.finish()
    assert code == 2
    message = "stdin: no object has 'pose3d', which pose_type 3dbp needs"
    told = [line for line in log.splitlines() if message in line]
    assert ["[WARNING]" in line for line in told] == [True, False]  # in time, and at the end
