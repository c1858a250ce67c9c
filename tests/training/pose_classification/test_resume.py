"""A run that was killed and resumed ends with the bits of one that was not."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.training.pose_classification.tiny import same_weights, write_spec
from training.common.checkpoint import load_checkpoint

pytestmark = pytest.mark.slow
ENVIRONMENT = os.environ | {"OMP_NUM_THREADS": "1"}


def _start(spec: Path, *overrides: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "training.pose_classification", "train", "-e", str(spec)]
    return subprocess.Popen([*command, *overrides], env=ENVIRONMENT)


def _wait_for(file: Path, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 300
    while not file.exists():
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.005)


def _train(spec: Path, results: Path, *overrides: str) -> None:
    process = _start(spec, f"train.results_dir={results}", *overrides)
    assert process.wait(timeout=600) == 0


def _kill_after(spec: Path, results: Path, name: str, *overrides: str) -> None:
    """Start a training and kill it without warning once a checkpoint is there."""
    process = _start(spec, f"train.results_dir={results}", *overrides)
    _wait_for(results / name, process)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL


RECIPES = {
    "multi_step": {},
    "loading_process": {"dataset": {"num_workers": 1}},
    "auto_reduce": {
        "train": {"optim": {"lr_scheduler": "AutoReduce", "lr_monitor": "train_loss", "lr": 0.3}}
    },
    "strong": {
        "dataset": {"sampling": "uniform", "clip_length": 10, "random_rotation": 0.3, "repeat": 2},
        "train": {
            "ema_decay": 0.9,
            "label_smoothing": 0.1,
            "optim": {"lr_scheduler": "Cosine", "warmup_epochs": 1},
        },
    },
}


@pytest.mark.parametrize("recipe", RECIPES)
def test_killed_run_goes_on_bit_by_bit(tmp_path, recipe):
    spec = write_spec(tmp_path, **RECIPES[recipe])
    epochs = "train.num_epochs=5"
    _train(spec, tmp_path / "whole", epochs)
    _kill_after(spec, tmp_path / "killed", "model_epoch_001.pth", epochs)
    assert not (tmp_path / "killed" / "model_epoch_004.pth").exists()
    _train(spec, tmp_path / "killed", epochs)
    last = "model_epoch_004.pth"
    assert same_weights(tmp_path / "whole" / last, tmp_path / "killed" / last)
    whole, killed = (load_checkpoint(tmp_path / run / last) for run in ("whole", "killed"))
    assert whole["callbacks"]["Curves"] == killed["callbacks"]["Curves"]
    assert (
        whole["optimizer_states"][0]["param_groups"]
        == killed["optimizer_states"][0]["param_groups"]
    )


def test_checkpoint_in_the_middle_of_an_epoch(tmp_path):
    # 6 steps an epoch: the checkpoint after 8 steps lies in the second epoch.
    spec = write_spec(tmp_path, train={"num_epochs": 3})
    steps = ("train.checkpoint_interval_unit=step", "train.checkpoint_interval=4")
    _train(spec, tmp_path / "whole", *steps)
    names = sorted(p.name for p in (tmp_path / "whole").glob("model_*"))
    assert names == [
        "model_epoch_000_step_00004.pth",
        "model_epoch_001_step_00008.pth",
        "model_epoch_001_step_00012.pth",
        "model_epoch_002_step_00016.pth",
        "model_epoch_002_step_00018.pth",
    ]
    middle = tmp_path / "whole" / "model_epoch_001_step_00008.pth"
    _train(spec, tmp_path / "again", *steps, f"train.resume_training_checkpoint_path={middle}")
    last = names[-1]
    assert same_weights(tmp_path / "whole" / last, tmp_path / "again" / last)
    whole, again = (load_checkpoint(tmp_path / run / last) for run in ("whole", "again"))
    assert whole["callbacks"]["Curves"] == again["callbacks"]["Curves"]
    lines = (tmp_path / "again" / "status.json").read_text().splitlines()
    seconds = [json.loads(line)["time_per_epoch"] for line in lines if "time_per_epoch" in line]
    assert len(seconds) == 2 and all(text.startswith("0:0") for text in seconds)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_run_says_so(tmp_path, number):
    spec = write_spec(tmp_path)
    results = tmp_path / "run"
    with _start(spec, f"train.results_dir={results}", "train.num_epochs=1000") as process:
        try:
            _wait_for(results / "model_epoch_000.pth", process)
            process.send_signal(number)
            assert process.wait(timeout=300) == 130
        finally:
            process.kill()
    assert json.loads((results / "status.json").read_text().splitlines()[-1])["message"] == (
        "Interrupted."
    )
