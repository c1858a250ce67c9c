"""Made-up results and videos whose every pixel and time is known."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from converter import get_layout
from video.overlay.clip import EXACT_COLOURS

LAYOUT = get_layout("nvidia")
JOINTS = {name: place for place, name in enumerate(LAYOUT.joints)}


def pose(left: float, top: float, size: float = 60.0, confidence: float = 1.0) -> list[float]:
    """A standing figure, `size` pixels high, a third as wide: pose25d as a flat list."""
    rows = np.linspace(0, 1, LAYOUT.num_joints)
    joints = np.zeros((LAYOUT.num_joints, 4))
    for joint, name in enumerate(LAYOUT.joints):
        across = {"left": 0.9, "right": 0.1}.get(name.split("_")[0], 0.5)
        joints[joint] = left + across * size / 3, top + rows[joint] * size, 0, confidence
    flat: list[float] = joints.ravel().tolist()
    return flat


def person(
    name: int | str, action: str = "walking", score: float | None = 0.9, **more: Any
) -> dict[str, Any]:
    fields = {"object_id": name, "action": action, "pose25d": pose(20, 10), **more}
    return fields if score is None else {**fields, "action_score": score}


def frame(number: int, people: Sequence[dict[str, Any]], **more: Any) -> dict[str, Any]:
    batch = {"batch_id": 0, "frame_num": number, "objects": list(people), **more}
    return {"num_frames_in_batch": 1, "batches": [batch]}


def write_results(path: Path, frames: Iterable[dict[str, Any]]) -> Path:
    path.write_text(json.dumps(list(frames)))
    return path


def write_video(
    path: Path,
    frames: int = 20,
    size: tuple[int, int] = (96, 80),
    rate: int = 25,
    *,
    pts: Callable[[int], int] = lambda number: number,
    time_base: Fraction | None = None,
    sound: str | None = None,
    codec: str = "libx264",
    dark_left: bool = False,
) -> Path:
    """Write grey pictures, and a tone in the codec `sound`."""
    width, height = size
    with av.open(str(path), "w") as container:
        video = container.add_stream(codec, rate=rate)
        video.width, video.height = width, height
        video.pix_fmt = "yuv420p" if not width % 2 and not height % 2 else "yuv444p"
        video.codec_context.time_base = time_base or Fraction(1, rate)
        audio = container.add_stream(sound, rate=16000) if sound else None
        for number in range(frames):
            array = np.full((height, width, 3), 100, dtype=np.uint8)
            array[:, : width // 3 * dark_left] = 20
            picture = av.VideoFrame.from_ndarray(array, format="bgr24")
            picture.pts, picture.time_base = pts(number), video.codec_context.time_base
            container.mux(video.encode(picture))
        container.mux(video.encode(None))
        if audio is not None:
            _write_tone(container, audio, frames / rate)
    return path


def _write_tone(container: Any, stream: Any, seconds: float) -> None:
    tone = (8000 * np.sin(np.arange(round(16000 * seconds)) * 0.17)).astype(np.int16)
    chunk = av.AudioFrame.from_ndarray(tone[None], format="s16", layout="mono")
    chunk.rate, chunk.pts, chunk.time_base = 16000, 0, Fraction(1, 16000)
    fifo = av.AudioResampler(stream.codec_context.format, "mono", 16000, frame_size=1024)
    for piece in [*fifo.resample(chunk), *fifo.resample(None)]:
        container.mux(stream.encode(piece))
    container.mux(stream.encode(None))


def pictures(path: Path) -> list[Any]:
    """All pictures of a video, (height, width, 3) RGB."""
    with av.open(str(path)) as container:
        return [
            picture.to_ndarray(format="rgb24", interpolation=EXACT_COLOURS)
            for picture in container.decode(video=0)
        ]


def times(path: Path) -> list[float]:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        return sorted(float(p.pts * stream.time_base) for p in container.demux(stream) if p.size)
