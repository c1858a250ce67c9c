"""The tasks evaluate and inference on a trained network, as a checkpoint and as ONNX."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.training.pose_classification.tiny import CLASSES, sequences, write_spec
from training.pose_classification.cli import main
from training.pose_classification.evaluate import table
from training.pose_classification.inference import result_lines
from training.pose_classification.metrics import evaluate_logits


@pytest.fixture(scope="module")
def spec(tmp_path_factory) -> Path:
    """A spec whose network has been trained a little."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    path = write_spec(
        tmp_path_factory.mktemp("spec"),
        dataset={"random_choose": False, "random_move": False, "window_size": -1},
        model={"dropout": 0.0},
    )
    assert (
        main(["train", "-e", str(path), "train.num_epochs=8", "train.checkpoint_interval=8"]) == 0
    )
    yield path
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def checkpoint(spec) -> Path:
    return spec.parent / "results" / "train" / "pc_model_latest.pth"


@pytest.fixture(scope="module")
def onnx(spec, checkpoint) -> Path:
    path = spec.parent / "model.onnx"
    command = ["export", "-e", str(spec), f"export.checkpoint={checkpoint}"]
    assert main([*command, f"export.onnx_file={path}"]) == 0
    return path


def evaluate(spec: Path, results: Path, *overrides: str) -> dict:
    command = ["evaluate", "-e", str(spec), f"evaluate.results_dir={results}", *overrides]
    assert main(command) == 0
    return json.loads((results / "metrics.json").read_text())


def infer(spec: Path, output: Path, *overrides: str) -> list[str]:
    command = ["inference", "-e", str(spec), f"inference.output_file={output}", *overrides]
    assert main(command) == 0
    return output.read_text().splitlines()


def test_evaluate(capsys, spec, checkpoint, tmp_path):
    report = evaluate(spec, tmp_path, f"evaluate.checkpoint={checkpoint}")
    assert report["sequences"] == 10
    assert {p.name for p in tmp_path.iterdir()} == {
        "experiment.yaml",
        "status.json",
        "metrics.json",
        "confusion_matrix.png",
        "logits.npy",
    }
    best = np.load(tmp_path / "logits.npy").argmax(axis=1)
    assert np.bincount(best, minlength=3).tolist() == np.sum(report["confusion_matrix"], 0).tolist()
    out = capsys.readouterr().out
    assert re.search(rf"│ Total accuracy +│ +{100 * report['accuracy']:.4f} │", out)
    *_, generated, done = [json.loads(line) for line in (tmp_path / "status.json").open()]
    assert generated["message"] == "Test metrics generated."
    assert generated["kpi"] == {
        "accuracy": round(100 * report["accuracy"], 2),
        "avg_accuracy": round(100 * report["average_class_accuracy"], 2),
    }
    assert done["status"] == "SUCCESS"


def test_onnx_gives_the_same_figures(spec, checkpoint, onnx, tmp_path):
    torch_report = evaluate(spec, tmp_path / "torch", f"evaluate.checkpoint={checkpoint}")
    onnx_report = evaluate(spec, tmp_path / "onnx", f"evaluate.checkpoint={onnx}")
    assert onnx_report["confusion_matrix"] == torch_report["confusion_matrix"]
    difference = "expected_calibration_error"
    assert onnx_report[difference] == pytest.approx(torch_report[difference], abs=1e-4)


@pytest.mark.parametrize("size", [1, 3, 64])
def test_batch_size_does_not_change_logits(spec, checkpoint, tmp_path, size):
    scores = [
        infer(
            spec, tmp_path / f"{batch}.txt", f"inference.checkpoint={checkpoint}",
            "inference.scores=True", f"inference.batch_size={batch}",
        )
        for batch in (10, size)
    ]  # fmt: skip
    values = [
        [float(part.split("(")[0]) for line in s for part in line.split(", ")[1:]] for s in scores
    ]
    np.testing.assert_allclose(*values, atol=2e-4)


def test_inference_writes_a_name_a_line(spec, checkpoint, onnx, tmp_path):
    lines = infer(spec, tmp_path / "a.txt", f"inference.checkpoint={checkpoint}")
    assert len(lines) == 10 and set(lines) <= set(CLASSES)
    assert infer(spec, tmp_path / "b.txt", f"inference.checkpoint={onnx}") == lines
    ranked = infer(
        spec, tmp_path / "c.txt", f"inference.checkpoint={onnx}", "inference.scores=True"
    )
    assert [line.split(", ")[0] for line in ranked] == [str(i) for i in range(10)]
    assert [line.split(", ")[1].split("=")[1] for line in ranked] == lines


def test_inference_needs_no_labels(spec, checkpoint, tmp_path):
    lines = infer(
        spec, tmp_path / "a.txt", f"inference.checkpoint={checkpoint}",
        "inference.test_dataset.label_path=/nowhere/labels.pkl",
    )  # fmt: skip
    assert len(lines) == 10


def test_ranked_lines_are_those_of_the_client():
    logits = np.array([[-2.3501, -5.0, 5.62064], [1, 1, 0]], dtype=np.float32)
    assert result_lines(logits, CLASSES, scores=True) == [
        "0, 5.6206(2)=fast, -2.3501(0)=still, -5.0000(1)=slow",
        "1, 1.0000(0)=still, 1.0000(1)=slow, 0.0000(2)=fast",
    ]
    assert result_lines(logits, CLASSES, scores=False) == ["fast", "still"]


def test_table_is_tao_s():
    logits = np.eye(3, dtype=np.float32)[[0, 0, 1, 2, 2, 2, 0]]
    text = table(evaluate_logits(logits, np.array([0, 0, 1, 2, 2, 2, 2])), CLASSES)
    assert text.splitlines() == [
        "╒════════════════════════╤══════════╕",
        "│ Name                   │    Score │",
        "╞════════════════════════╪══════════╡",
        "│ Class accuracy: still  │ 100.0000 │",
        "├────────────────────────┼──────────┤",
        "│ Class accuracy: slow   │ 100.0000 │",
        "├────────────────────────┼──────────┤",
        "│ Class accuracy: fast   │  75.0000 │",
        "├────────────────────────┼──────────┤",
        "│ Total accuracy         │  85.7143 │",
        "├────────────────────────┼──────────┤",
        "│ Average class accuracy │  91.6667 │",
        "╘════════════════════════╧══════════╛",
    ]


def test_clips_are_averaged(spec, checkpoint, tmp_path):
    uniform = ("dataset.sampling=uniform", "dataset.clip_length=8", "inference.scores=True")
    one, three = (
        infer(
            spec, tmp_path / f"{clips}.txt", f"inference.checkpoint={checkpoint}", *uniform,
            f"dataset.num_test_clips={clips}",
        )
        for clips in (1, 3)
    )  # fmt: skip
    assert len(one) == len(three) == 10 and one != three


@pytest.mark.parametrize("model", ["checkpoint", "onnx"])
def test_names_are_the_models_where_the_spec_has_none(spec, tmp_path, model, request):
    path, unnamed = request.getfixturevalue(model), "dataset.label_map=null"
    assert set(infer(spec, tmp_path / "x", f"inference.checkpoint={path}", unnamed)) <= set(CLASSES)
    metrics = evaluate(spec, tmp_path, f"evaluate.checkpoint={path}", unnamed)
    assert list(metrics["classes"]) == list(CLASSES)


@pytest.mark.parametrize("task", ["evaluate", "inference"])
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("null", ".checkpoint is not set: put it into the spec or add"),
        ("/nowhere/x.pth", "no such file"),
        ("{folder}/x.txt", "expected .pth, .onnx"),
        ("{folder}/x.onnx", "ONNX Runtime cannot load it"),
        ("{folder}/x.pth", "not a checkpoint"),
        ("{folder}/x.engine", "engine needs a GPU"),
    ],
)
def test_models_that_cannot_be_used(capsys, spec, tmp_path, task, name, message):
    for suffix in ("txt", "onnx", "pth", "engine"):
        (tmp_path / f"x.{suffix}").write_bytes(b"rubbish")
    overrides = [
        f"{task}.checkpoint={name.format(folder=tmp_path)}",
        f"{task}.results_dir={tmp_path}/r",
    ]
    if task == "inference":
        overrides.append(f"inference.output_file={tmp_path}/out.txt")
    assert main([task, "-e", str(spec), *overrides]) == 2
    assert message in capsys.readouterr().err.splitlines()[-1]
    assert not (tmp_path / "out.txt").exists()


def test_output_file_must_be_set(capsys, spec, checkpoint, tmp_path):
    command = ["inference", "-e", str(spec), f"inference.checkpoint={checkpoint}"]
    assert main([*command, f"inference.results_dir={tmp_path}"]) == 2
    assert "add inference.output_file=VALUE" in capsys.readouterr().err


def test_output_file_is_looked_at_first(capsys, spec, checkpoint, tmp_path):
    command = ["inference", "-e", str(spec), f"inference.checkpoint={checkpoint}"]
    command += [f"inference.results_dir={tmp_path}/r"]
    assert main([*command, f"inference.output_file={tmp_path}"]) == 2
    assert (
        "is a folder, not a file to write; change inference.output_file" in capsys.readouterr().err
    )
    assert main([*command, f"inference.output_file={spec}/x.txt"]) == 2
    assert f"{spec}: is not a folder" in capsys.readouterr().err


def test_models_of_another_kind(capsys, spec, checkpoint, onnx, tmp_path):
    for model in (checkpoint, onnx):
        overrides = [f"evaluate.checkpoint={model}", f"evaluate.results_dir={tmp_path}"]
        assert main(["evaluate", "-e", str(spec), *overrides, "dataset.stream=bone"]) == 2
        assert "dataset.stream" in capsys.readouterr().err
    data, _ = sequences(3)
    data[1, 0, 0, 0, 0] = np.inf
    np.save(tmp_path / "bad.npy", data)
    overrides = [
        f"inference.checkpoint={onnx}",
        f"inference.test_dataset.data_path={tmp_path / 'bad.npy'}",
        f"inference.output_file={tmp_path / 'out.txt'}",
    ]
    assert main(["inference", "-e", str(spec), *overrides]) == 2
    assert "sequence 1 is not finite" in capsys.readouterr().err
    assert not (tmp_path / "out.txt").exists()
