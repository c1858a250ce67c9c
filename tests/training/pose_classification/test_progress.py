"""The progress bar: on a terminal, and only there."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests.training.pose_classification.tiny import write_spec
from tests.training.terminal import ENVIRONMENT, on_a_terminal

MODULE = "training.pose_classification"

pytestmark = pytest.mark.slow


def test_bar_on_a_terminal(tmp_path):
    shown = on_a_terminal(MODULE, "train", "-e", write_spec(tmp_path))
    assert "Epoch 1/2" in shown and "Epoch 2/2" in shown and "6/6" in shown
    assert "Epoch 0" not in shown
    assert re.search(r"loss: \d\.\d+ .*acc: \d\.\d+ .*val_loss: \d", shown)
    assert re.search(r"left: \d:\d\d:\d\d", shown)


def test_lines_elsewhere(tmp_path):
    command = [sys.executable, "-m", MODULE, "train", "-e", str(write_spec(tmp_path))]
    done = subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT, timeout=600)
    assert done.returncode == 0
    lines = [line for line in done.stderr.splitlines() if "Epoch" in line]
    assert len(lines) == 2 and "Epoch 2 of 2: train_loss" in lines[1]
    assert "━" not in done.stderr
    assert (tmp_path / "results" / "train" / "curves.png").exists()
    assert len(done.stderr.splitlines()) == 3, done.stderr  # the third: where the results are
