"""Two processes on the CPU train as one."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
import torch

from tests.training.pose_classification.tiny import write_spec
from training.common.checkpoint import load_checkpoint
from training.pose_classification.data import EpochSampler

pytestmark = pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without a GPU")


@pytest.mark.slow
def test_two_processes(tmp_path):
    spec = write_spec(tmp_path)
    results = tmp_path / "two"
    command = [
        sys.executable, "-m", "training.pose_classification", "train", "-e", str(spec),
        f"train.results_dir={results}", "train.num_gpus=2",
    ]  # fmt: skip
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in (results / "status.json").read_text().splitlines()]
    # Written by one process only: 24 sequences are 3 steps of 4 for each of two processes.
    assert [line["status"] for line in lines].count("STARTED") == 1
    loop = [line for line in lines if line["message"] == "Training loop in progress"]
    assert [(line["epoch"], line["step"], line["max_step"]) for line in loop] == [
        (0, 3, 6),
        (1, 6, 6),
    ]
    # Both processes' sequences are counted: hits are shares of 24 and of 10 sequences.
    checkpoint = load_checkpoint(results / "model_epoch_001.pth")
    assert checkpoint["train_sums"][2] == 24
    for row in checkpoint["callbacks"]["Curves"]["history"]:
        assert row["train_acc_1"] * 24 == pytest.approx(round(row["train_acc_1"] * 24))
        assert row["val_acc_1"] * 10 == pytest.approx(round(row["val_acc_1"] * 10))


def test_processes_share_the_turns_of_an_epoch():
    whole = EpochSampler(11, seed=3)
    parts = [EpochSampler(11, seed=3, world_size=2) for _ in range(2)]
    parts[1].rank = 1
    for epoch in range(3):
        for sampler in (whole, *parts):
            sampler.set_epoch(epoch)
        turns = [[draw.turn for draw in sampler] for sampler in (whole, *parts)]
        assert sorted(turns[0]) == list(range(11))
        assert len(turns[1]) == len(turns[2]) == len(parts[0]) == 5
        assert set(turns[1]) | set(turns[2]) <= set(turns[0])
        assert not set(turns[1]) & set(turns[2])
