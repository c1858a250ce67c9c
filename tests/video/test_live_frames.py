"""Frames of a camera that does not wait and goes away."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest

from tests.video.cameras import Camera
from tests.video.poses_clip import CLIP
from video.capture import Video
from video.live import LiveFrames


def wait_for(words: str, caplog: pytest.LogCaptureFixture) -> None:
    deadline = time.monotonic() + 60
    while words not in caplog.text:
        assert time.monotonic() < deadline, caplog.text
        time.sleep(0.05)


def test_a_camera_that_goes_away_is_opened_again(caplog: pytest.LogCaptureFixture) -> None:
    with Camera() as camera:
        frames = iter(LiveFrames(Video(camera.url)))
        first = next(frames)
        camera.switch_off()
        wait_for("is gone", caplog)
        camera.switch_on()
        wait_for("is back", caplog)
        found = [first, *(next(frames) for _ in range(10))]
        frames.close()
    numbers = [frame.number for frame in found]
    assert numbers[0] == 0
    assert numbers == sorted(set(numbers))
    gap = max(b.number - a.number for a, b in pairwise(found))
    assert gap > 15  # the outage took a second at least
    assert "were missed" in caplog.text
    assert found[-1].nanoseconds / 1e9 == pytest.approx(time.time(), abs=30)


def test_a_slow_reader_gets_the_newest_frame() -> None:
    frames = iter(LiveFrames(Video(str(CLIP))))
    first = next(frames)
    time.sleep(1)
    second = next(frames)
    frames.close()
    assert second.number - first.number > 15
    assert second.seconds - first.seconds == pytest.approx(
        (second.number - first.number) / 29.97, abs=0.4
    )
