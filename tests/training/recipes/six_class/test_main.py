"""The one command, from the files of the data sets to a model, its card and its picture."""

import json
import logging
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from tests.training.recipes.six_class.sources import write_sources
from training.recipes.six_class import make_data
from training.recipes.six_class.__main__ import TESTS, main, training_minutes

SMALL = (
    "model.base_channels=2",
    "dataset.batch_size=8",
    "train.num_epochs=1",
    "train.precision=32",
)


@pytest.mark.slow
def test_one_command_makes_everything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(make_data, "TEST_WINDOWS", 6)
    torch.set_num_threads(1)
    # The exporter's traces, thousands of lines, would all be captured.
    monkeypatch.setattr(logging.getLogger("torch.__trace"), "propagate", False)
    data, card = tmp_path / "data", tmp_path / "docs" / "cards" / "card.md"
    for folder in (data, card.parent):
        folder.mkdir(parents=True)
    write_sources(data)
    card.write_text("<!-- figures: begin -->\n<!-- figures: end -->\n")
    model = tmp_path / "repository" / "1" / "model.onnx"
    places = ["--results", tmp_path / "results", "--model", model, "--card", card]
    arguments = ["--data", data, *places, "--windows", "24", *SMALL]
    assert main([str(argument) for argument in arguments]) == 0
    session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    (logits,) = session.run(None, {"input": np.zeros((2, 3, 40, 34, 1), np.float32)})
    assert logits.shape == (2, 6)
    sidecar = json.loads(model.with_suffix(".json").read_text())
    assert sidecar["temperature"] == 10.0 or 0.1 <= sidecar["temperature"] < 10
    text = card.read_text()
    assert all(f"| {name} |" in text for name in TESTS)
    assert sidecar["onnx_sha256"] in text
    assert (tmp_path / "docs" / "images" / "pose_classification_tao_confusion.png").is_file()
    figures = json.loads((tmp_path / "results" / "figures.json").read_text())
    assert set(figures["accuracy"]) == set(TESTS)


def test_epochs_that_were_trained_twice_count_once(tmp_path: Path) -> None:
    lines = [
        {"message": "Starting"},
        {"epoch": 0, "time_per_epoch": "0:30:00.5"},
        {"epoch": 0, "time_per_epoch": "0:12:30"},
        {"epoch": 1, "time_per_epoch": "1:00:30.000000"},
    ]
    status = tmp_path / "status.json"
    status.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert training_minutes(status) == pytest.approx(73.0)


def test_missing_data_are_the_users_mistake(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert main(["--data", str(tmp_path), "--results", str(tmp_path / "results")]) == 2
    assert "nw_ucla_json.zip" in caplog.text
