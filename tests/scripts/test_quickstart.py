"""What goes wrong in the quick start is one line; that it works is tested with the README."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from scripts import quickstart


def test_a_server_that_cannot_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(quickstart, "ROOT", tmp_path)
    monkeypatch.setattr(sys, "argv", ["quickstart", str(tmp_path / "output")])
    assert quickstart.main() == 2
    expected = f"quickstart: {tmp_path}/model_repository is not a folder: give a model repository\n"
    assert capsys.readouterr().err == expected


def test_a_client_that_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(quickstart, "SEGMENTS", tmp_path / "none.npy")
    monkeypatch.setattr(sys, "argv", ["quickstart", str(tmp_path / "output")])
    assert quickstart.main() == 1
    error = capfd.readouterr().err
    assert "none.npy" in error and "Traceback" not in error
