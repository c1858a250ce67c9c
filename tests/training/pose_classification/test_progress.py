"""The progress bar: on a terminal, and only there."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.training.pose_classification.tiny import write_spec


@pytest.fixture
def command(tmp_path) -> list[str]:
    spec = write_spec(tmp_path)
    return [sys.executable, "-m", "training.pose_classification", "train", "-e", str(spec)]


pytestmark = pytest.mark.slow
ENVIRONMENT = os.environ | {"OMP_NUM_THREADS": "1", "COLUMNS": "200", "TERM": "xterm"}


def _read(terminal: int) -> str:
    content = b""
    while True:
        try:
            chunk = os.read(terminal, 65536)
        except OSError:  # the other side is closed
            return content.decode(errors="replace")
        content += chunk


def test_bar_on_a_terminal(command, tmp_path):
    terminal, side = pty.openpty()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=side, env=ENVIRONMENT)
    os.close(side)
    shown = _read(terminal)
    os.close(terminal)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0, shown
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown)
    assert "Epoch 1/1" in plain and "6/6" in plain
    assert re.search(r"loss: \d\.\d+ .*acc: \d\.\d+ .*val_loss: \d", plain)
    assert re.search(r"left: \d:\d\d:\d\d", plain)
    assert not out


def test_lines_elsewhere(command, tmp_path):
    done = subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT, timeout=60)
    assert done.returncode == 0
    lines = [line for line in done.stderr.splitlines() if "Epoch" in line]
    assert len(lines) == 2 and "Epoch 2 of 2: train_loss" in lines[1]
    assert "━" not in done.stderr
    assert Path(tmp_path / "results" / "train" / "curves.png").exists()
    assert len(done.stderr.splitlines()) == 3, done.stderr  # the third: where the results are
