"""Frames of a camera that does not wait and goes away."""

from __future__ import annotations

import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from converter import InputError
from tests.video.cameras import Camera
from tests.video.documents import write_video
from tests.video.poses_clip import CLIP
from tests.waiting import wait_until
from video.capture import PATIENCE, Video, VideoFrame
from video.live import LiveFrames
from video.people import Image

IMAGE = np.zeros((4, 4, 3), np.uint8)


def test_a_camera_that_goes_away_is_opened_again(caplog: pytest.LogCaptureFixture) -> None:
    with Camera() as camera:
        frames = iter(LiveFrames(Video(camera.url)))
        first = next(frames)
        camera.switch_off()
        wait_until(lambda: "is gone" in caplog.text)
        camera.switch_on()
        wait_until(lambda: "is back" in caplog.text)
        found = [first, *(next(frames) for _ in range(10))]
        frames.close()
    numbers = [frame.number for frame in found]
    assert numbers[0] == 0
    assert numbers == sorted(set(numbers))
    gap = max(b.number - a.number for a, b in pairwise(found))
    assert gap > 15  # the outage took a second at least
    assert "were missed" in caplog.text
    assert found[-1].nanoseconds / 1e9 == pytest.approx(time.time(), abs=30)


def test_a_camera_that_comes_back_with_other_pictures_ends_in_one_line(tmp_path: Path) -> None:
    """Of which a file that turns into another takes the place."""
    video = Video(str(CLIP))
    video.is_file = False
    frames = iter(LiveFrames(video))
    next(frames)
    video.source = str(write_video(tmp_path / "other.mp4", 3))
    with pytest.raises(InputError, match=r"other\.mp4: came back with pictures of another size"):
        list(frames)


class Scripted:
    """A camera that says it has 10 frames/s, sends all at once, and is away for 3 s after them."""

    source, rate, is_file = "camera", 10.0, False

    def __init__(self, frames: int) -> None:
        self.now = 100.0
        self._left = frames

    def take(self) -> Image | None:
        self._left -= 1
        self.is_file = self._left < -1  # it ends after it was back
        return IMAGE if self._left >= 0 else None

    def reopen(self) -> Image:
        self.now += 3
        return IMAGE


@pytest.mark.parametrize("frames", [1, 1000])
def test_an_outage_counts_whatever_rate_the_camera_says_it_has(
    frames: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    camera = Scripted(frames)
    clock = SimpleNamespace(monotonic=lambda: camera.now, time_ns=time.time_ns)
    monkeypatch.setattr("video.live.time", clock)
    assert list(LiveFrames(camera))[-1].number == frames + 30  # type: ignore[arg-type]


def test_a_camera_that_freezes_is_gone_whatever_its_decoder_still_holds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    camera = Scripted(3)
    held = camera.take

    def take() -> Image | None:
        camera.now += PATIENCE
        return held()

    monkeypatch.setattr(camera, "take", take)
    clock = SimpleNamespace(monotonic=lambda: camera.now, time_ns=time.time_ns)
    monkeypatch.setattr("video.live.time", clock)
    outages = 4  # three pictures that come too late, and none; each takes 8 s with the return
    assert list(LiveFrames(camera))[-1].number == outages * 80 + 3  # type: ignore[arg-type]


def test_what_is_missed_does_not_flood_the_log(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    newest = iter([VideoFrame(number, 0, 0, IMAGE) for number in range(0, 99, 3)])
    monkeypatch.setattr(LiveFrames, "_newest", lambda self: next(newest, None))
    assert len(list(LiveFrames(Scripted(0)))) == 33  # type: ignore[arg-type]
    told = [record.getMessage() for record in caplog.records if "missed" in record.getMessage()]
    assert told[:2] == ["frames 1 to 2 were missed", "frames 4 to 5 were missed"]
    assert told[10:] == [
        "further frames that are missed are only counted",
        "64 of 97 frames were missed",
    ]


def test_a_slow_reader_gets_the_newest_frame(caplog: pytest.LogCaptureFixture) -> None:
    video = Video(str(CLIP))
    frames = iter(LiveFrames(video))
    first = next(frames)  # the first of all, unless the machine is busy
    wait_until(lambda: video.position > first.number + 20)
    second = next(frames)
    frames.close()
    assert second.number - first.number > 15
    told = f"frames {first.number + 1} to {second.number - 1} were missed"
    assert caplog.messages[-1] == told


def test_a_file_is_played_at_its_own_speed(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SimpleNamespace(now=100.0, time_ns=time.time_ns)
    clock.monotonic = lambda: clock.now
    clock.sleep = lambda seconds: setattr(clock, "now", clock.now + seconds)
    monkeypatch.setattr("video.live.time", clock)
    for frame in LiveFrames(Video(str(CLIP))):
        assert frame.seconds == pytest.approx(frame.number / 29.97, abs=0.01)
    assert frame.number > 15


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("http://127.0.0.1:1/a.mjpg", "http://127.0.0.1:1/a.mjpg: Connection refused"),
        ("97", "there is no camera 97, or another program uses it"),
    ],
)
def test_the_libraries_of_a_camera_that_is_away_add_nothing(source: str, message: str) -> None:
    command = [sys.executable, "-m", "video.poses", source, "--live", "-o", "-"]
    done = subprocess.run(command, cwd=CLIP.parents[1], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr == f"ERROR: {message}\n"
