"""What can be read from a status file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from training.common.status import training_minutes


def test_epochs_that_were_trained_twice_count_once(tmp_path: Path) -> None:
    lines = [
        {"message": "Starting"},
        {"epoch": 0, "time_per_epoch": "0:30:00.5"},
        {"message": "Starting"},
        {"epoch": 0, "time_per_epoch": "0:12:30"},
        {"epoch": 1, "time_per_epoch": "1:00:30.000000"},
    ]
    status = tmp_path / "status.json"
    status.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert training_minutes(status) == pytest.approx(73.0)
