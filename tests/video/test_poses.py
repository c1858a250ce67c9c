"""The command `python -m video.poses`: what it writes, and what it says when it cannot."""

from __future__ import annotations

import gzip
import json
import os
import re
import signal
import subprocess
import sys
import time
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from converter import ConvertConfig
from converter.deepstream import AnnotationJob
from tests.video.cameras import Camera
from tests.video.documents import write_video
from tests.video.poses_clip import CLIP, PEOPLE, images, needs_networks
from video.capture import Video
from video.poses import main
from video.results.view import default_focal

ROOT = Path(__file__).parents[2]
FRAMES = 14
SAMPLE = ROOT / "samples" / "walk_sit_getup.json"


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first frames of the shipped clip, losslessly."""
    path = tmp_path_factory.mktemp("clip") / "clip.avi"
    frames = images(FRAMES)
    size = frames[0].shape[1::-1]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"FFV1"), 30, size)
    for frame in frames:
        writer.write(frame)
    writer.release()
    return path


@pytest.fixture(scope="module")
def poses(clip: Path) -> Path:
    output = clip.with_name("poses.json")
    assert main([str(clip), "-o", str(output)]) == 0
    return output


def frames(path: Path) -> list[dict[str, Any]]:
    return [frame for record in json.loads(path.read_text()) for frame in record["batches"]]


@needs_networks
def test_the_document_has_deepstreams_form(poses: Path) -> None:
    document = json.loads(poses.read_text())
    assert len(document) == FRAMES
    for number, record in enumerate(document):
        assert record["producer"] == "BlazePose (MediaPipe 0.10.21 models), not DeepStream"
        assert record["num_frames_in_batch"] == 1
        (frame,) = record["batches"]
        assert (frame["batch_id"], frame["frame_num"]) == (0, number)
        assert frame["ntp_timestamp"] == round(number / 30 * 1e9)
        assert frame["num_obj_meta"] == len(frame["objects"])
    assert {o["object_id"] for f in frames(poses) for o in f["objects"]} == {1, 2, 3}
    assert len(frames(poses)[-1]["objects"]) == PEOPLE


@needs_networks
def test_poses_fit_each_other_and_the_picture(poses: Path) -> None:
    focal = default_focal(640)
    for person in frames(poses)[-1]["objects"]:
        image = np.reshape(person["pose25d"], (34, 4))
        space = np.reshape(person["pose3d"], (34, 4))
        np.testing.assert_array_equal(image[:, 3], space[:, 3])
        assert (image[:, 3] > 0).all()
        projected = space[:, :2] / space[:, 2:3] * focal + [320, 180]
        assert np.linalg.norm(projected - image[:, :2], axis=1).mean() < 0.08 * person["bbox"][3]
        # People of usual size, a few metres away, who stand upright in a picture whose y is down.
        nose, ankles = space[15], space[7:9].mean(0)
        assert 1200 < ankles[1] - nose[1] < 1900
        assert 1500 < space[:, 2].min() < space[:, 2].max() < 7000
        # Depth of pose25d is relative to the pelvis and grows away from the camera, like z.
        assert image[0, 2] == pytest.approx(0, abs=0.01)
        away = space[:, 2] - space[0, 2]
        np.testing.assert_allclose(image[:, 2] * 492.69, away, atol=5)
        left, top, width, height = person["bbox"]
        seen = image[image[:, 3] > 0.5]
        assert (seen[:, 0] >= left).all() and (seen[:, 0] <= left + width).all()
        assert (seen[:, 1] >= top).all() and (seen[:, 1] <= top + height).all()


@needs_networks
def test_the_converter_reads_it(poses: Path) -> None:
    with AnnotationJob(poses, ConvertConfig()) as job:
        segments = list(job.segments())
    assert len(segments) == PEOPLE
    assert all(np.isfinite(segment.keypoints).all() for segment in segments)
    assert all(len(segment.keypoints) >= FRAMES - 3 for segment in segments)


@needs_networks
def test_standard_output_has_a_record_a_line(clip: Path) -> None:
    command = [sys.executable, "-m", "video.poses", str(clip), "-o", "-", "--every", "4"]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout
        records = [json.loads(line) for line in process.stdout]
    assert process.returncode == 0
    assert [record["batches"][0]["frame_num"] for record in records] == [0, 4, 8, 12]


@needs_networks
def test_lines_also_into_a_file(clip: Path, tmp_path: Path) -> None:
    output = tmp_path / "poses.ndjson"
    assert main([str(clip), "-o", str(output), "--ndjson", "--every", "9"]) == 0
    assert [json.loads(line)["batches"][0]["frame_num"] for line in output.open()] == [0, 9]


@needs_networks
def test_live_plays_a_file_at_its_own_speed_and_counts_what_it_missed(
    clip: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    output = tmp_path / "poses.json"
    start = time.monotonic()
    assert main([str(clip), "-o", str(output), "--live"]) == 0
    assert time.monotonic() - start >= (FRAMES - 1) / 30
    numbers = [frame["frame_num"] for frame in frames(output)]
    assert numbers == sorted(set(numbers))
    missed = FRAMES - len(numbers) - (FRAMES - 1 - numbers[-1])
    gaps = re.findall(r"frames (\d+) to (\d+) were missed", caplog.text)
    assert sum(int(last) - int(first) + 1 for first, last in gaps) == missed


def test_a_document_of_deepstream_passes_with_its_producer(tmp_path: Path) -> None:
    document = json.loads(SAMPLE.read_text())[:5]
    for record in document:
        del record["producer"]
    torn = tmp_path / "torn.json.gz"
    torn.write_bytes(gzip.compress(json.dumps(document).encode()[:-3000]))
    output = tmp_path / "poses.json"
    assert main([str(torn), "-o", str(output)]) == 0
    kept = json.loads(output.read_text())
    assert len(kept) == 4
    for record, original in zip(kept, document, strict=False):
        assert record == original | {"producer": "DeepStream bodypose-3d"}


def test_a_producer_that_is_named_stays(tmp_path: Path) -> None:
    output = tmp_path / "poses.json"
    assert main([str(SAMPLE), "-o", str(output), "--pose-source", "deepstream"]) == 0
    assert json.loads(output.read_text()) == json.loads(SAMPLE.read_text())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing.mp4", "-o", "o.json"], "missing.mp4: no such file"),
        (["missing.json", "-o", "o.json"], "missing.json: no such file"),
        (["text.mp4", "-o", "o.json"], "text.mp4: is not a video that can be read"),
        (["text.json", "-o", "o.json"], "text.json: holds neither"),
        (["bad\udcff.mp4", "-o", "o.json"], "a name that is not UTF-8 cannot be opened"),
        (["97", "-o", "o.json"], "there is no camera 97"),
        (["99999999999", "-o", "o.json"], "there is no camera 99999999999"),
        (["missing.JSON", "-o", "o.json"], "missing.JSON: no such file"),
        (["text.JSON.GZ", "-o", "o.json"], "text.JSON.GZ: holds neither"),
        (["text.json", "-o", "./text.json"], "text.json: would replace an input"),
        (["text.json", "-o", "link.json"], "link.json: would replace an input"),
        (["text.mp4", "-o", "{here}/text.mp4"], "text.mp4: would replace an input"),
        (["file://{here}/text.mp4", "-o", "text.mp4"], "text.mp4: would replace an input"),
        (["file://{here}/text.mp4", "-o", "o", "--save-video", "text.mp4"], "replace an input"),
        (["97", "-o", "o.mp4", "--save-video", "./o.mp4"], "cannot hold both the poses and the"),
        (["97", "-o", "folder"], "folder: is a folder, not a file to write"),
        (["97", "-o", ""], "is a folder, not a file to write"),
        (["97", "-o", "o.json", "--save-video", "folder"], "folder: is a folder, not a file"),
        (["97", "-o", "o.json", "--save-video", "pipe"], "cannot be written to a device or a pipe"),
        (
            ["http://127.0.0.1:9/" + "t" * 300, "-o", "o", "--save-video", "k.mp4"],
            "Connection refused",
        ),
        (["text.json", "-o", "o.json", "--pose-source", "bodypose"], "holds no video"),
        ([str(CLIP), "-o", "o.json", "--dry-run"], "--dry-run"),
        ([str(CLIP), "-o", "o.json", "--save-video", "o.mp4"], "--save-video records a camera"),
        ([str(CLIP), "-o", "o.json", "--every", "0"], "'0' is not a whole number from 1 to"),
        ([str(CLIP), "-o", "o.json", "--every", "9" * 99], "9' is not a whole number from 1 to"),
        ([str(CLIP), "-o", "o.json", "--focal-length", "nan"], "'nan' is not a number of pixels"),
        ([str(CLIP), "-o", "o.json", "--focal-length", "1e-300"], "is not a number of pixels"),
        (
            [str(CLIP), "-o", "o.json", "--pose-source", "bodypose", "--url", "localhost:9"],
            "Triton",
        ),
        ([str(CLIP)], "-o/--output"),
        (["kafka://localhost", "-o", "o.json"], "must be kafka://HOST:PORT/TOPIC"),
        (["kafka://me:secret@a:1/t", "-o", "o.json"], "a user cannot stand before the host"),
    ],
)
def test_mistakes_are_one_line_and_leave_nothing(
    arguments: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("text.mp4", "text.json", "text.JSON.GZ", "bad\udcff.mp4"):
        Path(name).write_text("just words")
    Path("link.json").symlink_to("text.json")
    Path("folder").mkdir()
    os.mkfifo("pipe")
    before = sorted(tmp_path.rglob("*"))
    assert main([argument.replace("{here}", str(tmp_path)) for argument in arguments]) == 2
    (line,) = [r.getMessage() for r in caplog.records if r.levelname == "ERROR"]
    assert message in line and "\n" not in line
    assert sorted(tmp_path.rglob("*")) == before


def test_passwords_and_escapes_stay_out_of_messages() -> None:
    command = [sys.executable, "-m", "video.poses", "rtsp://me:secret@127.0.0.1:9/\x1b[31m"]
    answer = subprocess.run([*command, "-o", "o.json"], capture_output=True, text=True)
    assert answer.returncode == 2
    assert "ERROR: rtsp://***@127.0.0.1:9/?[31m: " in answer.stderr
    assert "secret" not in answer.stderr


def test_deepstream_in_its_container_has_the_documented_arguments(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    output = str(tmp_path / "o.json")
    assert main([str(CLIP), "-o", output, "--pose-source", "deepstream", "--dry-run"]) == 0
    words = capsys.readouterr().out.split()
    assert words[:5] == ["docker", "run", "--rm", "--gpus", "all"]
    assert f"{CLIP}:/in/{CLIP.name}:ro" in words
    app = words[words.index("deepstream-pose-estimation-app") :]
    flags = dict(pairwise(app))
    assert flags["--input"] == f"file:///in/{CLIP.name}"
    assert (flags["--width"], flags["--height"], flags["--focal"]) == ("640", "360", "400.0")
    assert flags["--save-pose"] == "/out/poses.json"
    assert not list(tmp_path.iterdir())


def test_without_docker_deepstream_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main([str(CLIP), "-o", str(tmp_path / "o"), "--pose-source", "deepstream"]) == 2
    assert "needs Docker" in caplog.text


@needs_networks
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stream_is_recorded_until_it_is_stopped(tmp_path: Path, number: signal.Signals) -> None:
    output = tmp_path / "poses.json"
    with Camera() as camera:
        command = [sys.executable, "-m", "video.poses", camera.url, "-o", str(output), "--live"]
        command += ["--save-video", str(tmp_path / "kept.mp4")]
        process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
        deadline = time.monotonic() + 120
        part = tmp_path / f".poses.json.{process.pid}.part"
        while not (part.exists() and part.stat().st_size) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert not output.exists()
        process.send_signal(number)
        _, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    recorded = frames(output)
    assert recorded and abs(recorded[0]["ntp_timestamp"] / 1e9 - time.time()) < 120
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kept.mp4", "poses.json"]
    kept = Video(str(tmp_path / "kept.mp4"))
    assert kept.size == (640, 360)
    # The frame that was being worked on may be in the pictures already.
    assert recorded[-1]["frame_num"] < kept.total < recorded[-1]["frame_num"] + 900  # 30 seconds


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_file_that_is_interrupted_leaves_nothing(tmp_path: Path, name: str) -> None:
    program = f"""
import signal, sys
from video import poses

def records(path):
    yield b"{{}}"
    signal.raise_signal(signal.{name})
    yield b"{{}}"

poses.deepstream.file_records = records
sys.exit(poses.main(sys.argv[1:]))
"""
    command = [sys.executable, "-c", program, str(SAMPLE), "-o", str(tmp_path / "poses.json")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 130
    assert done.stderr == "ERROR: interrupted; nothing was written\n"
    assert list(tmp_path.iterdir()) == []


def after_its_reader_left(*arguments: str) -> tuple[int, str]:
    """Exit code and errors of `video.poses` when nobody reads on after the first line."""
    command = [sys.executable, "-m", "video.poses", *arguments, "-o", "-"]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout and process.stderr
        process.stdout.readline()
        process.stdout.close()
        errors = process.stderr.read()
    return process.returncode, errors


def test_a_reader_that_goes_away_ends_the_work_in_one_line() -> None:
    code, errors = after_its_reader_left(str(SAMPLE))
    assert code == 1
    assert errors.strip() == "ERROR: nobody reads standard output any more"


@needs_networks
def test_a_reader_that_goes_away_while_a_camera_is_read_is_no_crash() -> None:
    with Camera() as camera:
        code, errors = after_its_reader_left(camera.url, "--live")
    assert code == 1, errors
    assert errors.endswith("ERROR: nobody reads standard output any more\n")


def uneven(number: int) -> int:
    return 40 * number + 1000 * (number > 9)


# Matroska tells its length only, of which 30 frames a second would be more.
@pytest.mark.parametrize("name", ["in.mkv", "in.mp4"])
def test_frames_have_their_own_times(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    path = write_video(tmp_path / name, 24, rate=30, pts=uneven, time_base=Fraction(1, 1000))
    frames = list(Video(str(path)).frames())
    assert [frame.seconds for frame in frames] == pytest.approx(
        [uneven(n) / 1e3 for n in range(24)]
    )
    assert [frame.nanoseconds for frame in frames] == [uneven(n) * 10**6 for n in range(24)]
    assert not caplog.records


def test_frames_that_are_counted_and_missing_are_one_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = write_video(tmp_path / "in.avi", 24, codec="rawvideo")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert 0 < len(list(Video(str(path)).frames())) < 24
    (record,) = caplog.records
    assert "of 24 frames; the rest cannot be decoded" in record.getMessage()


@pytest.mark.parametrize("name", ["in.h264", "in.mjpeg"])
def test_frames_without_times_follow_each_other(tmp_path: Path, name: str) -> None:
    with av.open(str(write_video(tmp_path / "in.mp4", 9))) as film:
        pictures = list(film.decode(video=0))
    codec = {"in.h264": "libx264", "in.mjpeg": "mjpeg"}[name]
    with av.open(str(tmp_path / name), "w") as bare:
        stream = bare.add_stream(codec, rate=25)
        stream.width, stream.height = pictures[0].width, pictures[0].height
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        for picture in [*pictures, None]:
            bare.mux(stream.encode(picture and picture.reformat(format=stream.pix_fmt)))
    seconds = [frame.seconds for frame in Video(str(tmp_path / name)).frames()]
    assert seconds == pytest.approx([n / 25 for n in range(9)])


def test_a_video_tells_its_size_rate_and_length() -> None:
    video = Video(str(CLIP))
    assert (video.size, video.total, video.is_file) == ((640, 360), 200, True)
    assert video.rate == pytest.approx(29.97, abs=0.01)
    first = next(video.frames())
    assert (first.number, first.image.shape) == (0, (360, 640, 3))
    video.close()


def test_help_needs_no_tracker() -> None:
    code = "import sys\nimport video.poses\nsys.exit('norfair' in sys.modules)\n"
    assert subprocess.run([sys.executable, "-c", code], check=False, cwd=ROOT).returncode == 0
