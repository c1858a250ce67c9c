"""All tasks one after the other, on the motion capture in `samples/`, by the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from training.pose_classification.labels import write_labels

ROOT = Path(__file__).resolve().parents[3]
SAMPLES = ROOT / "samples"
CLASSES = ("sitting_down", "getting_up", "sitting", "standing", "walking", "jumping")


def run(task: str, spec: Path, *overrides: str) -> str:
    command = [sys.executable, "-m", "training.pose_classification", task, "-e", str(spec)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [*command, *overrides],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def spec(tmp_path) -> Path:
    """The shipped spec on the 12 sequences of `samples/segments.npy`."""
    truth = json.loads((SAMPLES / "segments.truth.json").read_text())
    write_labels(tmp_path / "labels.pkl", truth["names"], truth["labels"])
    data = {
        "data_path": str(SAMPLES / "segments.npy"),
        "label_path": str(tmp_path / "labels.pkl"),
    }
    shipped = ROOT / "training" / "pose_classification" / "specs" / "nvidia.yaml"
    content = yaml.safe_load(shipped.read_text())
    content["results_dir"] = str(tmp_path / "results")
    content["model"]["base_channels"] = 8
    content["dataset"] |= {"train_dataset": data, "val_dataset": data, "batch_size": 4}
    content["train"] |= {"num_epochs": 2, "checkpoint_interval": 1, "validation_interval": 1}
    content["evaluate"]["test_dataset"] = data
    path = tmp_path / "spec.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


@pytest.mark.slow
def test_all_tasks(spec, tmp_path):
    results = tmp_path / "results"
    run("dataset_convert", spec, f"dataset_convert.data={SAMPLES / 'walk_sit_getup.json'}")
    people = sorted((results / "dataset_convert").glob("object_*.npy"))
    assert len(people) == 3

    run("train", spec)
    checkpoint = results / "train" / "pc_model_latest.pth"
    onnx = tmp_path / "model.onnx"
    run("export", spec, f"export.checkpoint={checkpoint}", f"export.onnx_file={onnx}")

    reports = []
    for model in (checkpoint, onnx):
        table = run("evaluate", spec, f"evaluate.checkpoint={model}")
        assert all(f"Class accuracy: {name}" in table for name in CLASSES)
        reports.append(json.loads((results / "evaluate" / "metrics.json").read_text()))
    assert reports[0]["sequences"] == 12
    assert reports[0]["confusion_matrix"] == reports[1]["confusion_matrix"]

    answers = []
    for model in (checkpoint, onnx):
        output = tmp_path / "answers.txt"
        run(
            "inference", spec, f"inference.checkpoint={model}", f"inference.output_file={output}",
            f"inference.test_dataset.data_path={people[0]}",
        )  # fmt: skip
        answers.append(output.read_text().splitlines())
    assert answers[0] == answers[1]
    assert len(answers[0]) == len(np.load(people[0])) and set(answers[0]) <= set(CLASSES)

    for task in ("dataset_convert", "train", "export", "evaluate", "inference"):
        lines = (results / task / "status.json").read_text().splitlines()
        assert json.loads(lines[-1])["status"] == "SUCCESS"
        assert (results / task / "experiment.yaml").exists()
