"""The two commands from a video to actions, overlay and report."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import cv2
import pytest

from scripts.embedded_triton import EmbeddedTriton
from scripts.setup_video import MEMBERS, unpack
from tests.video.poses_clip import images, needs_networks

ROOT = Path(__file__).parents[2]
COMMANDS = ROOT / "scripts" / "pose_cls_e2e_inference"
FRAMES = 16
ENVIRONMENT = os.environ | {"VENV": sys.prefix}


def run(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(COMMANDS / name), *arguments],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=500,
    )


@needs_networks
def test_a_video_becomes_actions_overlay_and_report(triton: EmbeddedTriton, tmp_path: Path) -> None:
    clip, output = tmp_path / "clip.avi", tmp_path / "out"
    writer = cv2.VideoWriter(str(clip), cv2.VideoWriter.fourcc(*"FFV1"), 30, (640, 360))
    for image in images(FRAMES):
        writer.write(image)
    writer.release()
    port = triton.grpc_url.rpartition(":")[2]
    done = run("start_client.sh", str(clip), "--grpc-port", port, "--output", str(output))
    assert done.returncode == 0, done.stderr
    document = json.loads((output / "results.json").read_text())
    assert {record["producer"].split()[0] for record in document} == {"BlazePose"}
    people = document[-1]["batches"][0]["objects"]
    assert len(people) == 3
    assert all(person["action"] and 0 <= person["action_score"] <= 1 for person in people)
    overlay = cv2.VideoCapture(str(output / "overlay.mp4"))
    assert overlay.get(cv2.CAP_PROP_FRAME_COUNT) == FRAMES
    assert "<html" in (output / "report.html").read_text()


@pytest.mark.parametrize(
    ("video", "drawn", "kept"),
    [
        ("walk.mp4", "walk.mp4", False),
        ("0", "outputs/e2e/video.mp4", True),
        ("rtsp://door/1", "outputs/e2e/video.mp4", True),
        ("poses.json", None, False),
        ("kafka://localhost/poses", None, False),
    ],
)
def test_pictures_are_drawn_on_what_was_seen(video: str, drawn: str | None, kept: bool) -> None:
    done = run("start_client.sh", video, "--dry-run", "--max-people", "2")
    poses, client = done.stdout.splitlines()
    assert f"'video.poses' '{video}' '-o' 'outputs/e2e/poses.json' '--max-people' '2'" in poses
    assert ("'--live' '--save-video' 'outputs/e2e/video.mp4'" in poses) == kept
    assert "'client/tao_client.py' 'outputs/e2e/poses.json'" in client
    assert client.endswith(f"'--video' '{drawn}'") if drawn else "--video" not in client
    assert "setup_env.sh' 'video'" in done.stderr


def test_deepstream_keeps_no_pictures_of_a_stream() -> None:
    done = run("start_client.sh", "rtsp://door/1", "--pose-source", "deepstream", "--dry-run")
    assert "'--pose-source' 'deepstream'" in done.stdout and "--save-video" not in done.stdout


@pytest.mark.parametrize(
    ("pose_source", "model"),
    [("mediapipe", "pose_classification"), ("bodypose", "pose_classification_2dbp")],
)
def test_the_network_is_one_for_the_poses_of_the_source(pose_source: str, model: str) -> None:
    done = run("start_client.sh", "walk.mp4", "--pose-source", pose_source, "--dry-run")
    poses, client = done.stdout.splitlines()
    assert f"'--pose-source' '{pose_source}'" in poses and f"'-m' '{model}' " in client
    settings = "'--dataset_convert_config' 'outputs/e2e/convert.yaml'" in client
    assert settings == (pose_source == "bodypose")


def test_paths_are_those_of_the_callers_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "my vids"
    folder.mkdir()
    monkeypatch.chdir(folder)
    for name in ("clip.mp4", "0"):
        Path(name).touch()
    poses, client = run(
        "start_client.sh", "clip.mp4", "--output", "out", "--dry-run"
    ).stdout.splitlines()
    assert f"'video.poses' '{folder}/clip.mp4' '-o' '{folder}/out/poses.json'" in poses
    assert client.endswith(f"'--video' '{folder}/clip.mp4'")
    assert "'video.poses' '0' " in run("start_client.sh", "0", "--dry-run").stdout  # the camera


def test_without_a_video_the_client_takes_the_shipped_one() -> None:
    poses, _ = run("start_client.sh", "--dry-run").stdout.splitlines()
    assert "'samples/three_people.mp4'" in poses


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--outpt", "x"], "unknown argument --outpt"),
        (["a.mp4", "b.mp4"], "one video at a time"),
        (["--output"], "--output needs a value"),
        (["--max-people", "0"], "--max-people needs a whole number above 0"),
        (["--max-people", "x"], "--max-people needs a whole number above 0"),
        (["--grpc-port", "x"], "--grpc-port needs a port number, 1 to 65535"),
        (["--http-port", "65536"], "--http-port needs a port number, 1 to 65535"),
    ],
)
def test_mistakes_are_one_line(arguments: list[str], message: str) -> None:
    done = run("start_client.sh", *arguments)
    assert done.returncode == 2
    assert message in done.stderr and done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("module", "arguments", "program"),
    [
        ("pose_cls_e2e_inference.make_sample", [], "make_sample"),
        ("pose_cls_e2e_inference.make_sample", ["missing.mp4", "--fast"], "make_sample"),
        ("setup_video", ["--fast"], "setup"),
        ("draw_bpnet_labels", ["--fast"], "draw_bpnet_labels"),
        ("draw_report_images", [], "draw_report_images"),
    ],
)
def test_mistakes_of_the_other_commands_are_one_line(
    module: str, arguments: list[str], program: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert importlib.import_module(f"scripts.{module}").main(arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"{program}: ") and error.count("\n") == 1


def test_a_video_that_is_missing_ends_the_client_with_its_line(tmp_path: Path) -> None:
    done = run("start_client.sh", "missing.mp4", "--output", str(tmp_path / "out"))
    assert done.returncode == 2
    assert "missing.mp4: no such file" in done.stderr
    assert not (tmp_path / "out").exists()


def test_the_server_is_started_as_ever() -> None:
    done = run("start_server.sh", "--embedded", "--dry-run", "--http-port", "9000")
    assert done.returncode == 0
    assert "scripts.embedded_triton" in done.stdout and "'9000'" in done.stdout


def test_the_networks_and_their_licence_come_out_of_the_wheel(tmp_path: Path) -> None:
    wheel = tmp_path / "some.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for member in MEMBERS:
            archive.writestr(member, f"content of {member}")
        archive.writestr("mediapipe/huge.so", "not wanted")
    unpack(wheel, tmp_path / "out")
    names = {Path(member).name: member for member in MEMBERS}
    assert {path.name for path in (tmp_path / "out").iterdir()} == names.keys()
    for name, member in names.items():
        assert (tmp_path / "out" / name).read_text() == f"content of {member}"
