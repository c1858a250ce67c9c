"""What is kept of a camera or stream."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from converter import InputError
from tests.video.poses_clip import CLIP
from video.capture import Video, VideoFrame
from video.poses import main


@pytest.mark.parametrize(("kind", "code"), [(InputError, 2), (OSError, 1)])
def test_what_was_recorded_outlives_a_stream_that_fails(
    kind: type[Exception],
    code: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def records(
        video: Video, finder: object, every: int, live: bool, keep: Callable[[VideoFrame], None]
    ) -> Iterator[bytes]:
        for frame in video.frames():
            keep(frame)
            yield b'{"batches":[]}'
            if frame.number == 4:
                raise kind("back, but not as it was")

    caplog.set_level(logging.WARNING)
    monkeypatch.setattr("video.poses.video_records", records)
    monkeypatch.setattr("video.poses._finder", lambda *_: None)
    poses, film = tmp_path / "poses.json", tmp_path / "film.mp4"
    assert main([f"file://{CLIP}", "-o", str(poses), "--save-video", str(film)]) == code
    assert len(json.loads(poses.read_text())) == Video(str(film)).total == 5
    assert caplog.messages == ["back, but not as it was"]
