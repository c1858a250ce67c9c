"""The overlay, judged by decoding what was written."""

from __future__ import annotations

import json
import os
import pty
import struct
import subprocess
import sys
import tracemalloc
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from tests.video.documents import frame, person, pictures, pose, times, write_results, write_video
from video.overlay import Drawn, draw_overlay
from video.overlay.__main__ import main
from video.overlay.style import Style
from video.results import palette

GREY = 100


def rgb(colour: str) -> list[int]:
    return list(bytes.fromhex(colour[1:]))


def is_near(pixel: Sequence[int], colour: str, within: int = 30) -> bool:
    return bool(np.abs(np.array(pixel, dtype=int) - rgb(colour)).max() <= within)


def results_of(tmp_path: Path, frames: int = 20, **more: Any) -> Path:
    people = [person(1, "walking", bbox=[20, 20, 40, 50], **more)]
    return write_results(tmp_path / "r.json", [frame(n, people) for n in range(frames)])


def draw(tmp_path: Path, frames: int = 20, **video: Any) -> tuple[Drawn, Path]:
    clip = write_video(tmp_path / "in.mp4", frames, **video)
    return draw_overlay(results_of(tmp_path, frames), tmp_path / "out.mp4", clip), clip


def test_frames_rate_and_picture_are_kept(tmp_path: Path) -> None:
    drawn, clip = draw(tmp_path, size=(320, 240))
    with av.open(str(drawn.path)) as movie:
        stream = movie.streams.video[0]
        assert stream.codec_context.name == "h264"
        assert stream.codec_context.pix_fmt == "yuv420p"
        assert stream.frames == drawn.frames == 20
        assert stream.average_rate == 25
    assert times(drawn.path) == pytest.approx(times(clip))
    shown = pictures(drawn.path)
    assert len(shown) == 20
    assert drawn.size == (320, 240)
    assert shown[0].shape[0] > 240  # the strip
    corner = np.s_[:15, 200:]
    change = shown[7][corner].astype(int) - pictures(clip)[7][corner]
    assert np.abs(change).max() <= 4  # colours come through


def test_index_is_in_front(tmp_path: Path) -> None:
    drawn, _ = draw(tmp_path)
    data = drawn.path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


def test_variable_rate_is_kept(tmp_path: Path) -> None:
    drawn, clip = draw(tmp_path, pts=lambda n: 40 * n + 300 * (n > 9), time_base=Fraction(1, 1000))
    kept = times(clip)
    assert kept[10] - kept[9] == pytest.approx(0.34, abs=1e-3)
    assert times(drawn.path) == pytest.approx(kept, abs=1e-3)


@pytest.mark.parametrize(
    ("container", "codec", "written"), [("mp4", "aac", "aac"), ("avi", "pcm_s16le", "aac")]
)
def test_sound_is_kept(tmp_path: Path, container: str, codec: str, written: str) -> None:
    clip = write_video(tmp_path / f"in.{container}", 50, sound=codec)
    drawn = draw_overlay(results_of(tmp_path, 50), tmp_path / "out.mp4", clip)
    with av.open(str(clip)) as before, av.open(str(drawn.path)) as after:
        assert [stream.codec_context.name for stream in after.streams.audio] == [written]
        lengths = [
            sum(f.samples for f in movie.decode(audio=0)) / 16000 for movie in (before, after)
        ]
    assert lengths[1] == pytest.approx(lengths[0], abs=0.15)


def test_copied_sound_is_the_same_bytes(tmp_path: Path) -> None:
    drawn, clip = draw(tmp_path, sound="aac")
    sound = []
    for path in (clip, drawn.path):
        with av.open(str(path)) as movie:
            sound.append([bytes(packet) for packet in movie.demux(audio=0) if packet.size])
    assert sound[0]
    assert sound[0] == sound[1]


@pytest.mark.parametrize("name", ["in.h264", "in.mkv", "in.ts", "in.webm"])
def test_other_containers(tmp_path: Path, name: str) -> None:
    codec = "libvpx-vp9" if name.endswith("webm") else "libx264"
    clip = write_video(tmp_path / name, 20, codec=codec)
    drawn = draw_overlay(results_of(tmp_path), tmp_path / "out.mp4", clip)
    shown = times(drawn.path)
    assert len(shown) == drawn.frames == 20
    assert np.diff(shown) == pytest.approx(0.04, abs=1e-3)


def test_a_change_of_size_on_the_way_is_scaled(tmp_path: Path) -> None:
    clip = tmp_path / "in.ts"
    halves = [write_video(tmp_path / f"{w}.ts", 10, (w, 80)) for w in (96, 192)]
    clip.write_bytes(b"".join(half.read_bytes() for half in halves))
    drawn = draw_overlay(results_of(tmp_path), tmp_path / "out.mp4", clip, strip=False)
    shown = pictures(drawn.path)
    assert len(shown) == drawn.frames > 10
    assert {picture.shape for picture in shown} == {(80, 96, 3)}


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_turned_videos_are_upright(tmp_path: Path, quarters: int) -> None:
    clip = write_video(tmp_path / "in.mp4", 3, (320, 160), dark_left=True)
    data = bytearray(clip.read_bytes())
    cos, sin = [(1, 0), (0, 1), (-1, 0), (0, -1)][quarters]
    place = data.index(b"tkhd") + 44  # the matrix in the track's header
    data[place : place + 20] = struct.pack(">5i", *(n << 16 for n in (cos, sin, 0, -sin, cos)))
    clip.write_bytes(data)
    results = write_results(tmp_path / "r.json", [frame(0, [person(1, pose25d=[0.0] * 136)])])
    drawn = draw_overlay(results, tmp_path / "out.mp4", clip, strip=False)
    oracle = cv2.VideoCapture(str(clip))
    oracle.set(cv2.CAP_PROP_ORIENTATION_AUTO, 1)
    wanted = oracle.read()[1][:, :, ::-1]
    shown = pictures(drawn.path)[0]
    assert drawn.size == wanted.shape[1::-1]
    assert np.abs(shown.astype(int) - wanted).mean() < 3
    assert shown.std() > 20


@pytest.mark.parametrize("size", [(97, 81), (96, 81), (97, 80)])
def test_odd_sizes(tmp_path: Path, size: tuple[int, int]) -> None:
    drawn, _ = draw(tmp_path, 5, size=size)
    height, width = pictures(drawn.path)[0].shape[:2]
    assert (width, height % 2) == (size[0] + size[0] % 2, 0)
    assert drawn.size == size


def test_joints_have_the_colour_of_their_side_and_the_rest_is_untouched(tmp_path: Path) -> None:
    figure = pose(200, 60, 240)
    people = [person(1, "walking", pose25d=figure, bbox=[180, 50, 120, 260])]
    results = write_results(tmp_path / "r.json", [frame(n, people) for n in range(3)])
    clip = write_video(tmp_path / "in.mp4", 3, (640, 360))
    shown = pictures(draw_overlay(results, tmp_path / "out.mp4", clip).path)[1]
    places = np.array(figure).reshape(-1, 4)[:, :2].round().astype(int)
    hips = {palette.LEFT: places[1], palette.RIGHT: places[2], palette.CENTRE: places[0]}
    for colour, (x, y) in hips.items():
        assert is_near(shown[y, x], colour), colour
    outside = shown[:355, 330:].astype(int)
    assert np.abs(outside - GREY).max() <= 10  # 9 with PyAV 17


def test_confidence_is_opacity(tmp_path: Path) -> None:
    strength = []
    for confidence in (0.0, 0.3, 1.0):
        figure = pose(200, 60, 240, confidence)
        people = [person(1, pose25d=figure, bbox=[180, 50, 120, 260])]
        results = write_results(tmp_path / "r.json", [frame(0, people)])
        clip = write_video(tmp_path / "in.mp4", 1, (640, 360))
        shown = pictures(draw_overlay(results, tmp_path / "out.mp4", clip).path)[0]
        x, y = np.array(figure).reshape(-1, 4)[1, :2].round().astype(int)
        strength.append(int(shown[y, x, 2]) - GREY)  # left is blue
    none, some, full = strength
    assert abs(none) <= 10
    assert full > 100
    assert some - none == pytest.approx(0.3 * (full - none), abs=15)


def test_timeline_shows_the_actions_in_their_colours_and_the_playhead_moves(tmp_path: Path) -> None:
    frames = [frame(n, [person(1, "a" if n < 10 else "b")]) for n in range(20)]
    clip = write_video(tmp_path / "in.mp4", 20, (640, 360))
    drawn = draw_overlay(write_results(tmp_path / "r.json", frames), tmp_path / "out.mp4", clip)
    shown = pictures(drawn.path)
    colours = palette.action_colours(("a", "b"))
    lane = shown[0][375]  # through the upper part of the only lane
    first, second = ([i for i, p in enumerate(lane) if is_near(p, colours[n])] for n in "ab")
    assert first
    assert second
    assert len(first) == pytest.approx(len(second), rel=0.15)
    assert max(first) < min(second)
    heads = []
    for number in (3, 10, 17):
        white = [i for i, p in enumerate(shown[number][375]) if p.min() > 225]
        heads.append(np.mean([i for i in white if i >= min(first) - 2]))
    middle = (max(first) + min(second)) / 2
    assert heads[0] < heads[1] < heads[2]
    assert heads[1] == pytest.approx(middle, abs=5)


@pytest.mark.parametrize("height", [360, 720, 1080, 2160])
def test_text_and_lines_grow_with_the_picture(height: int) -> None:
    style = Style.of((height * 16 // 9, height))
    assert height / 36 < style.text < height / 30
    assert height / 200 < style.line < height / 150
    assert Style.of((height * 9 // 16, height)).text < style.text  # upright: limited by the width
    assert style.of_person(0.5) == style
    small = style.of_person(0.1)
    assert 1 <= small.line < style.line
    assert small.text == style.text


def test_without_a_timeline_the_size_is_the_videos(tmp_path: Path) -> None:
    clip = write_video(tmp_path / "in.mp4", 3)
    draw_overlay(results_of(tmp_path, 3), tmp_path / "out.mp4", clip, strip=False)
    assert pictures(tmp_path / "out.mp4")[0].shape[:2] == (80, 96)


def test_without_a_video_the_ground_is_plain(tmp_path: Path) -> None:
    results = write_results(tmp_path / "r.json", [frame(n, [person(1)]) for n in range(7, 12)])
    drawn = draw_overlay(results, tmp_path / "out.mp4", frame_size=(320, 180), rate=10)
    shown = pictures(drawn.path)
    assert len(shown) == drawn.frames == 5
    assert times(drawn.path) == pytest.approx([0, 0.1, 0.2, 0.3, 0.4])
    assert is_near(shown[0][5, 300], palette.GROUND, 4)


def test_poses_of_every_third_frame_stay_until_the_next(tmp_path: Path) -> None:
    people = [person(1, bbox=[20, 20, 40, 50])]
    results = write_results(tmp_path / "r.json", [frame(n, people) for n in range(0, 18, 3)])
    clip = write_video(tmp_path / "in.mp4", 18)
    shown = pictures(draw_overlay(results, tmp_path / "out.mp4", clip, strip=False).path)
    drawn = [np.abs(picture.astype(int) - GREY).max() > 40 for picture in shown]
    assert all(drawn)


@pytest.mark.parametrize(("in_results", "message"), [(10, "nobody after frame 9"), (30, "beyond")])
def test_another_length_than_the_videos_is_one_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, in_results: int, message: str
) -> None:
    clip = write_video(tmp_path / "in.mp4", 20)
    draw_overlay(results_of(tmp_path, in_results), tmp_path / "out.mp4", clip)
    assert len(caplog.records) == 1
    assert message in caplog.text
    assert len(pictures(tmp_path / "out.mp4")) == 20


def test_poses_beyond_the_plain_ground_are_one_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    people = [person(1, pose25d=pose(900, 300, 400))]
    results = write_results(tmp_path / "r.json", [frame(n, people) for n in (0, 1)])
    draw_overlay(results, tmp_path / "out.mp4", frame_size=(320, 180))
    (record,) = caplog.records
    assert "the frame is 320 by 180" in record.getMessage()


def test_poses_of_a_larger_frame_are_one_warning_and_fit_with_its_size(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clip = write_video(tmp_path / "in.mp4", 2, (320, 180))
    figure = pose(900, 300, 400)
    results = write_results(
        tmp_path / "r.json", [frame(n, [person(1, pose25d=figure)]) for n in (0, 1)]
    )
    draw_overlay(results, tmp_path / "out.mp4", clip)
    (record,) = caplog.records
    assert "the frame is 320 by 180" in record.getMessage()
    caplog.clear()
    draw_overlay(results, tmp_path / "out.mp4", clip, frame_size=(1920, 1080))
    assert not caplog.records
    x, y = np.array(figure).reshape(-1, 4)[3, :2] / 6  # the torso
    shown = pictures(tmp_path / "out.mp4")[1]
    assert is_near(shown[round(y), round(x)], palette.CENTRE, 60)


def mistake(tmp_path: Path, caplog: pytest.LogCaptureFixture, arguments: Sequence[object]) -> str:
    """Run the command, which must fail with one line and leave nothing behind."""
    before = set(tmp_path.iterdir())
    caplog.clear()
    assert main([str(argument) for argument in arguments]) == 2
    assert set(tmp_path.iterdir()) == before
    (record,) = caplog.records
    return record.getMessage()


def test_mistakes_are_one_line(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    results, out = results_of(tmp_path, 3), tmp_path / "out.mp4"
    text = tmp_path / "text.mp4"
    text.write_text("no video")
    sound = tmp_path / "sound.mp4"
    both_path = write_video(tmp_path / "both.mp4", 30, sound="aac")
    with av.open(str(both_path)) as both, av.open(str(sound), "w") as only:
        copy = only.add_stream_from_template(both.streams.audio[0])
        for packet in both.demux(audio=0):
            if packet.size:
                packet.stream = copy
                only.mux(packet)
    far = write_results(tmp_path / "f.json", [frame(n, [person(1)]) for n in (0, 99_999_999)])
    folder, pipe = tmp_path / "folder.mp4", tmp_path / "pipe.mp4"
    folder.mkdir()
    os.mkfifo(pipe)
    empty = tmp_path / "empty.json"
    empty.write_text("[]")
    for arguments, message in (
        ((results, "-o", out, "--video", tmp_path / "none.mp4"), "none.mp4: no such video"),
        ((results, "-o", out, "--video", text), "text.mp4: cannot be read as a video"),
        ((results, "-o", out, "--video", sound), "sound.mp4: has no video stream"),
        ((empty, "-o", out), "empty.json: there are no persons"),
        ((tmp_path / "none.json", "-o", out), "none.json: cannot be read"),
        ((results, "-o", tmp_path / "out.avi"), "let its name end in .mp4"),
        ((results, "-o", text, "--video", text), "would replace an input"),
        ((results, "-o", folder), "folder.mp4: is a folder, not a file to write"),
        ((results, "-o", pipe), "pipe.mp4: an MP4 cannot be written to a device or a pipe"),
        ((results, "-o", out, "--frame-size", "big"), "is not a size such as"),
        ((results, "-o", out, "--frame-size", "9" * 20 + "x5"), "is not a size such as"),
        ((results, "-o", out, "--frame-size", "20000x20000"), "is too large to draw on"),
        ((results, "-o", out, "--focal-length", "1e308"), "is not a number above 0"),
        ((results, "-o", out, "--rate", "0"), "is not a number above 0"),
        ((results, "-o", out, "--rate", "1e-9"), "1e-09 frames per second: must be from"),
        ((results, "-o", out, "--rate", "1e300"), "is not a number above 0"),
        ((results, "-o", out, "--rate", "1e5"), "100000 frames per second: must be from"),
        ((results,), "required: -o"),
        ((far, "-o", out), "from 0 to 99999999"),
    ):
        assert message in mistake(tmp_path, caplog, arguments)


def test_progress_is_shown_on_a_terminal_only(tmp_path: Path) -> None:
    results = str(results_of(tmp_path, 40))
    command = [sys.executable, "-m", "video.overlay", results, "--frame-size", "64x48"]
    command += ["-o", str(tmp_path / "out.mp4")]
    piped = subprocess.run(command, capture_output=True, text=True, check=True)
    assert piped.stdout == ""
    assert piped.stderr == f"INFO: {tmp_path / 'out.mp4'}: 40 frames, 1 persons\n"
    ours, theirs = pty.openpty()
    subprocess.run(command, stderr=theirs, check=True, env=os.environ | {"TERM": "xterm"})
    os.close(theirs)
    shown = os.read(ours, 1 << 20).decode()
    assert "drawing" in shown
    assert "%" in shown


def test_a_damaged_video_is_drawn_as_far_as_it_goes(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clip = write_video(tmp_path / "in.ts", 40, (320, 240))
    clip.write_bytes(clip.read_bytes()[: clip.stat().st_size // 2])
    drawn = draw_overlay(results_of(tmp_path, 40), tmp_path / "out.mp4", clip)
    assert 5 < drawn.frames < 40
    assert len(pictures(drawn.path)) == drawn.frames
    assert caplog.records


@pytest.mark.parametrize("sound", ["aac", "mp2"])  # copied, encoded anew
def test_a_hole_in_a_video_is_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, sound: str
) -> None:
    clip = write_video(tmp_path / "in.ts", 100, (320, 240), sound=sound)
    data = bytearray(clip.read_bytes())
    hole = slice(len(data) // 3, len(data) // 2)
    data[hole] = np.random.default_rng(1).bytes(hole.stop - hole.start)
    clip.write_bytes(data)
    drawn = draw_overlay(results_of(tmp_path, 100), tmp_path / "out.mp4", clip)
    with av.open(str(drawn.path)) as movie:
        seconds = sum(f.samples / f.rate for f in movie.decode(audio=0))
    assert 1 < seconds < 4.2
    assert len(pictures(drawn.path)) == drawn.frames > 40
    assert caplog.records


def test_strange_names_are_drawn(tmp_path: Path) -> None:
    names = ["a\nb", "x" * 500, "行走 ходьба", "", "-"]
    people = [person(i, name, bbox=[5, 30 * i, 40, 20]) for i, name in enumerate(names)]
    results = write_results(tmp_path / "r.json", [frame(0, people)])
    assert draw_overlay(results, tmp_path / "out.mp4", frame_size=(320, 180)).frames == 1


def test_memory_does_not_grow_with_the_length(tmp_path: Path) -> None:
    def peak(frames: int) -> int:
        path = tmp_path / f"{frames}.ndjson"
        line = json.dumps(frame(0, [person(1)], note="x" * 4000))  # few frames in a chunk
        line = line.replace('"frame_num": 0', '"frame_num": %d')
        path.write_text("".join(line % number + "\n" for number in range(frames)))
        tracemalloc.start()
        draw_overlay(path, tmp_path / "out.mp4", frame_size=(64, 48), strip=False)
        size = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return size

    peak(10)  # caches
    short, long = peak(70), peak(170)
    assert long < short + 200_000  # the poses of 100 frames take more than twice that
