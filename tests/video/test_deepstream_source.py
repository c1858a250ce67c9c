"""What the deepstream-bodypose-3d app is asked for, and what is made of its file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from converter import InputError
from video.sources.deepstream import PRODUCER, app_command, app_records, file_records

SAMPLE = Path(__file__).resolve().parents[2] / "samples" / "walk_sit_getup.json"


def test_a_stream_is_reached_through_the_network_of_the_host(tmp_path: Path) -> None:
    command = app_command("rtsp://door/1", tmp_path / "." / "out", focal=800.0, width=640)
    assert command[command.index("--network") + 1] == "host"
    assert command[command.index("-v") + 1] == f"{tmp_path}/out:/out"
    assert command.count("-v") == 1  # no file to mount
    app = command[command.index("--input") :]
    assert app == [
        *("--input", "rtsp://door/1", "--output", "fakesink", "--save-pose", "/out/poses.json"),
        *("--fps", "--focal", "800.0", "--width", "640"),
    ]


def test_a_file_is_all_that_the_container_sees_of_this_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    command = app_command("a b.mp4", Path("out"))
    mounted = [command[n + 1] for n, word in enumerate(command) if word == "-v"]
    assert mounted == [f"{tmp_path}/out:/out", f"{tmp_path}/a b.mp4:/in/a b.mp4:ro"]
    assert "--network" not in command


def program(folder: Path, *lines: str) -> list[str]:
    path = folder / "docker"
    path.write_text("\n".join(("#!/bin/sh", *lines)))
    path.chmod(0o755)
    return [str(path)]


def test_the_records_of_the_app_come_when_it_has_ended(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    command = program(tmp_path, f"cp {SAMPLE} {tmp_path}/poses.json", "echo frames: 3")
    found = [json.loads(record) for record in app_records(command, tmp_path)]
    expected = json.loads(SAMPLE.read_text())
    assert [record["batches"] for record in found] == [record["batches"] for record in expected]
    said = capfd.readouterr()
    assert (said.out, said.err) == ("", "frames: 3\n")  # stdout may be for the records


def test_an_app_that_fails(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="container failed with exit code 3, see above"):
        list(app_records(program(tmp_path, "exit 3"), tmp_path))
    with pytest.raises(InputError, match=r"poses\.json: no such file"):
        list(app_records(program(tmp_path, "exit 0"), tmp_path))


def test_a_producer_is_added_where_none_is_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "poses.json"
    empty = '{"num_frames_in_batch": 1, "batches": []'
    path.write_text(f'[{empty}, "producer": "another"}},\n{empty}}},\n{{"num_fr')
    found = [json.loads(record) for record in file_records(path)]
    assert [record["producer"] for record in found] == ["another", PRODUCER]
    (warning,) = caplog.messages
    assert warning.startswith(f"{path}: ")


def test_a_record_that_is_none_is_a_mistake(tmp_path: Path) -> None:
    path = tmp_path / "poses.json"
    path.write_text('[{"batches": [{"frame_num": 1.5}]}]')
    with pytest.raises(InputError, match="frame_num"):
        list(file_records(path))
