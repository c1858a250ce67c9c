"""What goes wrong in the quick start is one line; that it works is tested with the README."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from scripts import quickstart
from scripts.triton_guard import is_ready
from tests.scripts.without_python import without_python

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "quickstart.sh"


def test_a_server_that_cannot_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(quickstart, "ROOT", tmp_path)
    assert quickstart.main([str(tmp_path / "output")]) == 2
    expected = f"quickstart: {tmp_path}/model_repository is not a folder: give a model repository\n"
    assert capsys.readouterr().err == expected


def test_a_client_that_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(quickstart, "SEGMENTS", tmp_path / "none.npy")
    assert quickstart.main([str(tmp_path / "output")]) == 1
    error = capfd.readouterr().err
    assert "none.npy" in error and "Traceback" not in error


def test_an_interrupt_ends_the_server_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    servers = []

    def interrupt(source: Path, output: Path, url: str, *flags: str) -> None:
        servers.append((url, is_ready(url)))
        raise KeyboardInterrupt

    monkeypatch.setattr(quickstart, "run_client", interrupt)
    assert quickstart.main([str(tmp_path / "output")]) == 130
    assert capsys.readouterr().err == "quickstart: interrupted\n"
    ((url, was_ready),) = servers
    assert was_ready and not is_ready(url)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["file"], "file cannot be made (File exists): give another folder\n"),
        (["file/folder"], "file/folder cannot be made (Not a directory): give another folder\n"),
        (["--fast"], "unrecognized arguments: --fast (see scripts/quickstart.sh --help)\n"),
        (["a", "b"], "unrecognized arguments: b (see scripts/quickstart.sh --help)\n"),
    ],
)
def test_mistakes_are_one_line_and_start_nothing(
    arguments: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(quickstart, "EmbeddedTriton", None)
    assert quickstart.main(arguments) == 2
    said = capsys.readouterr()
    assert said.err.startswith("quickstart: ") and said.err.endswith(message)
    assert (said.out, said.err.count("\n")) == ("", 1)


def item(person: int, action: str) -> dict[str, Any]:
    return {"object_id": person, "action": action, "pose": [1, 2, 3, 4, 5], "[b]": "[/b]"}


DOCUMENT = [
    {"batches": [{"frame_num": 7, "objects": [item(4, "walking"), item(9, "sitting")]}]},
    {"batches": [{"frame_num": 8, "objects": [item(4, "walking")]}]},
    {"batches": [{"frame_num": 9, "objects": [item(4, "standing")]}]},
    {"batches": [{"frame_num": 10, "objects": [item(4, "walking")]}]},
]


def test_the_timeline_has_a_line_for_every_run_of_frames(
    capsys: pytest.CaptureFixture[str],
) -> None:
    quickstart.show_timeline(DOCUMENT)
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [
        ["person", "4", "frames", "7-8", "walking"],
        ["person", "4", "frames", "9-9", "standing"],
        ["person", "4", "frames", "10-10", "walking"],
        ["person", "9", "frames", "7-7", "sitting"],
    ]


def test_the_excerpt_is_the_first_object_with_arrays_cut_short(
    capsys: pytest.CaptureFixture[str],
) -> None:
    quickstart.show_excerpt(DOCUMENT)
    shown = json.loads(capsys.readouterr().out)
    assert shown == item(4, "walking") | {"pose": [1, 2, 3, 4]}


def test_help_starts_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match=r"^0$"):
        quickstart.main(["--help"])
    assert "OUTPUT_DIR" in capsys.readouterr().out


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_of_the_script_installs_nothing(flag: str, tmp_path: Path) -> None:
    done = without_python(SCRIPT, flag, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "scripts/quickstart.sh [OUTPUT_DIR]" in done.stdout


def test_a_flag_the_script_does_not_know_installs_nothing(tmp_path: Path) -> None:
    done = without_python(SCRIPT, "--fast", tmp_path)
    expected = "quickstart: unknown argument --fast (see --help)\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", expected)
