"""The benchmark of the converter measures two programs that do the same."""

from pathlib import Path

import pytest

from benchmarks import __main__ as runner
from benchmarks import convert_annotate


def test_both_programs_label_alike(tmp_path: Path):
    literal, ours = convert_annotate.compare(tmp_path, 1000)
    assert literal.object_frames == ours.object_frames == 1000
    assert literal.input_bytes == (tmp_path / "document.json").stat().st_size > 3_000_000
    assert min(literal.cpu_seconds, ours.cpu_seconds, ours.peak_bytes) > 0
    labels = convert_annotate.actions(tmp_path / "tao.json")
    assert len(labels) == 1000
    assert labels[: 4 * 50] == [""] * 200
    assert len({*labels}) > 3


def test_different_labels_stop_the_comparison(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(convert_annotate, "actions", lambda path: [path.name])
    with pytest.raises(SystemExit, match="the labels differ"):
        convert_annotate.compare(tmp_path, 100)


def test_runner_leaves_out_what_needs_arguments(monkeypatch, capfd):
    ran = []

    def run(command, check):
        ran.append(command[2:])
        return type("Done", (), {"returncode": 2 if "nw_ucla" in command[2] else 0})

    monkeypatch.setattr(runner.subprocess, "run", run)
    assert runner.main(["--quick"]) == 0
    assert ["benchmarks.convert_annotate", "--quick"] in ran
    assert "left out; see python -m benchmarks.nw_ucla --help" in capfd.readouterr().out
    with pytest.raises(SystemExit):
        runner.main(["nothing"])
