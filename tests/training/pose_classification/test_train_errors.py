"""Mistakes end with exit code 2 and one line that says what to do."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.training.pose_classification.tiny import sequences, write_spec
from training.pose_classification.cli import main


@pytest.fixture(scope="module")
def spec(tmp_path_factory) -> Path:
    return write_spec(tmp_path_factory.mktemp("spec"))


def complaint(capsys, spec: Path, results: Path, *overrides: str) -> str:
    assert main(["train", "-e", str(spec), f"train.results_dir={results}", *overrides]) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    errors = [line for line in lines if "error:" in line]
    assert len(errors) == 1 and lines[-1] == errors[0], lines
    return errors[0]


def _data(tmp_path: Path, array: np.ndarray) -> str:
    np.save(tmp_path / "bad.npy", array)
    return f"dataset.train_dataset.data_path={tmp_path / 'bad.npy'}"


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((24, 3, 20, 34), np.float32), "must have 5 axes"),
        (np.zeros((24, 2, 20, 34, 1), np.float32), "model.input_channels is 3"),
        (np.zeros((24, 3, 20, 25, 1), np.float32), "25 joints .* layout nvidia has 34"),
        (np.zeros((0, 3, 20, 34, 1), np.float32), "no sequence"),
        (np.zeros((24, 3, 20, 34, 1), complex), "array of numbers"),
        (np.zeros((7, 3, 20, 34, 1), np.float32), "24 labels for the 7 sequences"),
    ],
)
def test_data_of_the_wrong_kind(capsys, spec, tmp_path, array, message):
    assert re.search(message, complaint(capsys, spec, tmp_path, _data(tmp_path, array)))


def test_object_arrays_are_not_unpickled(capsys, spec, tmp_path):
    np.save(tmp_path / "bad.npy", np.array([{}]), allow_pickle=True)
    data = f"dataset.train_dataset.data_path={tmp_path / 'bad.npy'}"
    assert "bad.npy" in complaint(capsys, spec, tmp_path / "r", data)


@pytest.mark.parametrize("workers", [0, 1])
def test_values_that_are_not_finite(capsys, spec, tmp_path, workers):
    data, _ = sequences(24)
    data[5, 1, 7, 3, 0] = np.nan
    override = _data(tmp_path, data)
    line = complaint(capsys, spec, tmp_path, override, f"dataset.num_workers={workers}")
    assert "sequence 5 is not finite at frame 7, joint 3, channel 1, person 0" in line


def test_too_few_sequences(capsys, spec, tmp_path):
    line = complaint(capsys, spec, tmp_path, "dataset.batch_size=25")
    assert "24 sequences do not fill one batch of 25" in line


def test_a_batch_of_one_frame(capsys, spec, tmp_path):
    data, _ = sequences(24, frames=1)
    options = (_data(tmp_path, data), "dataset.batch_size=1", "dataset.window_size=1")
    line = complaint(capsys, spec, tmp_path, *options)
    assert "a batch is one sequence of one frame" in line and "raise dataset.batch_size" in line


@pytest.mark.parametrize("part", ["train", "val"])
@pytest.mark.parametrize("kind", ["data", "label"])
def test_paths_that_are_not_set(capsys, spec, tmp_path, part, kind):
    key = f"dataset.{part}_dataset.{kind}_path"
    assert f"{key} is not set" in complaint(capsys, spec, tmp_path, f"{key}=null")
    assert "No such file" in complaint(
        capsys, spec, tmp_path, f"{key}=none.{'npy' if kind == 'data' else 'pkl'}"
    )


def test_divergence_is_told(capsys, spec, tmp_path):
    line = complaint(capsys, spec, tmp_path, "train.optim.lr=1e30")
    assert "lower train.optim.lr" in line


@pytest.mark.skipif(torch.cuda.is_available(), reason="fp16 works on a GPU")
def test_fp16_needs_a_gpu(capsys, spec, tmp_path):
    assert "fp16 needs a GPU" in complaint(capsys, spec, tmp_path, "train.precision=fp16")


def test_warm_up_with_auto_reduce(capsys, spec, tmp_path):
    options = ("train.optim.lr_scheduler=AutoReduce", "train.optim.warmup_epochs=1")
    assert "warmup_epochs" in complaint(capsys, spec, tmp_path, *options)


def test_resuming_from_the_wrong_file(capsys, spec, tmp_path):
    key = "train.resume_training_checkpoint_path"
    assert "must end in .pth" in complaint(capsys, spec, tmp_path, f"{key}={tmp_path}/x.ckpt")
    assert "no such file" in complaint(capsys, spec, tmp_path, f"{key}={tmp_path}/x.pth")
    torch.save({"state_dict": {"model.fcn.bias": torch.zeros(3)}}, tmp_path / "weights.pth")
    line = complaint(capsys, spec, tmp_path, f"{key}={tmp_path}/weights.pth")
    assert "holds no training" in line and "pretrained_model_path" in line
    (tmp_path / "rubbish.pth").write_bytes(b"rubbish")
    assert "not a checkpoint" in complaint(capsys, spec, tmp_path, f"{key}={tmp_path}/rubbish.pth")


@pytest.fixture(scope="module")
def one_epoch(spec) -> Path:
    results = spec.parent / "one_epoch"
    run = ["train", "-e", str(spec), f"train.results_dir={results}", "train.num_epochs=1"]
    assert main(run) == 0
    return results


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("model.base_channels=8", "belongs to another network"),
        ("dataset.stream=bone", "trained with dataset.stream"),
        ("train.ema_decay=0.9", "without train.ema_decay"),
        ("dataset.fit_box=true", "trained with dataset.fit_box False, the spec says True"),
        ("train.optim.momentum=0.5", "trained with train.optim.momentum 0.9, the spec says 0.5"),
        ("train.optim.lr=0.03", "trained with train.optim.lr 0.02, the spec says 0.03"),
        ("dataset.batch_size=8", "trained with 6 batches an epoch, the spec makes 3; keep"),
    ],
)
def test_resuming_with_another_network(capsys, spec, one_epoch, override, message):
    assert message in complaint(capsys, spec, one_epoch, override)


def test_named_checkpoint_takes_precedence(capsys, spec, one_epoch, tmp_path):
    named, results = tmp_path / "named.pth", tmp_path / "r"
    shutil.copytree(one_epoch, results, symlinks=True)
    shutil.copy(one_epoch / "model_epoch_000.pth", named)
    (results / "model_epoch_000.pth").write_bytes(b"damaged")
    assert "not a checkpoint" in complaint(capsys, spec, results)
    resume = f"train.resume_training_checkpoint_path={named}"
    assert main(["train", "-e", str(spec), f"train.results_dir={results}", resume]) == 0
    line = complaint(capsys, spec, results, "train.num_epochs=1")
    assert "has 2 epochs, train.num_epochs is 1; raise it" in line
