"""What a training run leaves behind, and that every option of it has an effect."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tests.training.pose_classification.tiny import same_weights, weights, write_spec
from training.common.checkpoint import load_checkpoint
from training.pose_classification.cli import main

LAST = "model_epoch_001.pth"


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def train(spec: Path, results: Path, *overrides: str) -> Path:
    assert main(["train", "-e", str(spec), f"train.results_dir={results}", *overrides]) == 0
    return results


def status(results: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (results / "status.json").read_text().splitlines()]


@pytest.fixture(scope="module")
def spec(tmp_path_factory) -> Path:
    return write_spec(tmp_path_factory.mktemp("spec"))


@pytest.fixture(scope="module")
def baseline(spec) -> Path:
    return train(spec, spec.parent / "baseline")


def test_files_of_a_run(baseline):
    assert {p.name for p in baseline.iterdir()} == {
        "experiment.yaml",
        "status.json",
        "lightning_logs",
        "curves.png",
        "model_epoch_000.pth",
        "model_epoch_001.pth",
        "pc_model_latest.pth",
    }
    assert (baseline / "pc_model_latest.pth").readlink() == Path(LAST)
    assert (baseline / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_status_lines(baseline):
    lines = status(baseline)
    assert [line["message"] for line in lines] == [
        "Starting Pose Classification train.",
        *["Training loop in progress", "Train metrics generated.", "Eval metrics generated."] * 2,
        "Train finished successfully.",
    ]
    loop, trained, evaluated = lines[4:7]
    assert (loop["epoch"], loop["step"], loop["max_epoch"], loop["max_step"]) == (1, 12, 1, 12)
    assert {"time_per_epoch", "time_per_step", "eta"} <= loop.keys()
    assert set(trained["kpi"]) == {"train_loss", "train_acc"}
    assert set(evaluated["kpi"]) == {"val_loss", "val_acc"}


def test_tensorboard(baseline):
    events = EventAccumulator(str(baseline / "lightning_logs")).Reload()
    for name in ("train_loss", "train_acc_1", "val_loss", "val_acc_1", "lr"):
        assert len(events.Scalars(name)) == 2, name
    kpi = status(baseline)[6]["kpi"]
    assert events.Scalars("val_loss")[-1].value == pytest.approx(kpi["val_loss"])


def test_checkpoint_names_and_metadata(baseline):
    checkpoint = load_checkpoint(baseline / LAST)
    assert all(name.startswith("model.") for name in checkpoint["state_dict"])
    assert checkpoint["metadata"]["classes"] == ["still", "slow", "fast"]
    assert len(checkpoint["metadata"]["train_digest"]) == 64


def test_same_seed_same_bits(spec, baseline, tmp_path):
    again = train(spec, tmp_path / "again")
    assert same_weights(baseline / LAST, again / LAST)
    assert status(again)[6]["kpi"] == status(baseline)[6]["kpi"]


def test_loading_processes_change_nothing(spec, baseline, tmp_path):
    other = train(spec, tmp_path / "workers", "dataset.num_workers=2")
    assert same_weights(baseline / LAST, other / LAST)


def test_negative_seed_is_another_one_each_time(spec, tmp_path, monkeypatch):
    monkeypatch.delenv("POSE_CLASSIFICATION_SEED", raising=False)
    one = train(spec, tmp_path / "one", "train.seed=-1")
    monkeypatch.delenv("POSE_CLASSIFICATION_SEED")
    two = train(spec, tmp_path / "two", "train.seed=-1")
    assert not same_weights(one / LAST, two / LAST)


@pytest.mark.parametrize(
    "option",
    [
        "train.seed=7",
        "train.optim.lr=0.05",
        "train.optim.momentum=0.5",
        "train.optim.nesterov=False",
        "train.optim.weight_decay=0.01",
        "train.optim.lr_steps=[1]",
        "train.optim.lr_scheduler=Cosine",
        "train.optim.warmup_epochs=1",
        "train.grad_clip=0.05",
        "train.label_smoothing=0.2",
        "train.ema_decay=0.99",
        "train.precision=bf16",
        "model.dropout=0.0",
        "dataset.batch_size=8",
        "dataset.random_choose=False",
        "dataset.random_move=False",
        "dataset.window_size=16",
        "dataset.stream=bone",
        "dataset.stream=joint_motion",
        "dataset.stream=bone_motion",
        "dataset.sampling=uniform",
        "dataset.sampling=random",
        "dataset.pre_normalise=True",
        "dataset.random_rotation=0.3",
        "dataset.random_scale=0.2",
        "dataset.random_flip=0.5",
        "dataset.random_jitter=0.1",
        ["dataset.sampling=uniform", "dataset.random_crop=0.5"],
        "dataset.repeat=2",
    ],
)
def test_option_has_an_effect(spec, baseline, tmp_path, option):
    results = train(spec, tmp_path, *([option] if isinstance(option, str) else option))
    assert not same_weights(baseline / LAST, results / LAST)
    assert all(np.isfinite(tensor).all() for tensor in weights(results / LAST).values())


def test_decay_has_an_effect_after_a_step(spec, tmp_path):
    steps = "train.optim.lr_steps=[1]"
    one = train(spec, tmp_path / "one", steps, "train.optim.lr_decay=0.1")
    two = train(spec, tmp_path / "two", steps, "train.optim.lr_decay=0.5")
    first, last = "model_epoch_000.pth", LAST
    assert same_weights(one / first, two / first)
    assert not same_weights(one / last, two / last)


def test_intervals(spec, tmp_path):
    results = train(
        spec, tmp_path, "train.num_epochs=5", "train.checkpoint_interval=2",
        "train.validation_interval=3",
    )  # fmt: skip
    names = sorted(p.name for p in results.glob("model_*"))
    assert names == ["model_epoch_001.pth", "model_epoch_003.pth", "model_epoch_004.pth"]
    validated = [line["epoch"] for line in status(results) if line["message"].startswith("Eval")]
    assert validated == [2]


def test_training_learns(spec, tmp_path):
    results = train(
        spec, tmp_path, "train.num_epochs=15", "train.checkpoint_interval=15", "model.dropout=0",
        "dataset.random_choose=False", "dataset.random_move=False",
    )  # fmt: skip
    assert status(results)[-2]["kpi"]["val_acc"] >= 0.8


@pytest.mark.parametrize("monitor", ["val_loss", "train_loss"])
def test_auto_reduce(spec, tmp_path, monitor):
    # So little is learnt that the loss stops falling, on every processor after the same epochs.
    train(
        spec, tmp_path, "train.num_epochs=8", "train.optim.lr_scheduler=AutoReduce",
        "train.optim.lr=3e-6", "train.optim.lr_decay=0.5", "train.optim.min_lr=1e-6",
        "train.optim.patience=1", "train.checkpoint_interval=8",
        f"train.optim.lr_monitor={monitor}",
    )  # fmt: skip
    history = load_checkpoint(tmp_path / "model_epoch_007.pth")["callbacks"]["Curves"]["history"]
    expected, best, bad = 3e-6, np.inf, 0
    for row in history:
        assert row["lr"] == pytest.approx(expected)
        bad = 0 if row[monitor] < best * (1 - 1e-4) else bad + 1
        best = min(best, row[monitor])
        if bad > 1:
            expected, bad = max(expected * 0.5, 1e-6), 0
    assert history[-1]["lr"] == pytest.approx(1e-6)


@pytest.mark.parametrize("flag", [False, True])
def test_cudnn_flags(spec, tmp_path, flag):
    before = torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic
    try:
        train(
            spec, tmp_path, "train.num_epochs=1", f"train.cudnn.benchmark={flag}",
            f"train.cudnn.deterministic={not flag}",
        )  # fmt: skip
        assert torch.backends.cudnn.benchmark is flag
        assert torch.backends.cudnn.deterministic is not flag
    finally:
        torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic = before


def test_average_is_what_is_saved_and_resumed(spec, tmp_path):
    results = train(spec, tmp_path, "train.ema_decay=0.5")
    checkpoint = load_checkpoint(results / LAST)
    averaged, current = checkpoint["state_dict"], checkpoint["current_model_state"]
    assert averaged.keys() == current.keys()
    assert any(not torch.equal(averaged[name], current[name]) for name in averaged)


def test_encrypted_run_goes_on_with_its_key_only(spec, tmp_path, capsys):
    results = train(spec, tmp_path, "train.num_epochs=1", "encryption_key=secret")
    assert b"state_dict" not in (results / "model_epoch_000.pth").read_bytes()
    command = ["train", "-e", str(spec), f"train.results_dir={results}"]
    assert main([*command, "encryption_key=wrong"]) == 2
    assert "encryption_key is wrong" in capsys.readouterr().err
    assert main([*command, "encryption_key=secret"]) == 0
    assert (results / LAST).exists()


def test_pretrained_weights_are_taken(spec, baseline, tmp_path):
    tiny_rate = ("train.optim.lr=1e-12", "train.num_epochs=1")
    model = f"model.pretrained_model_path={baseline / LAST}"
    results = train(spec, tmp_path, *tiny_rate, model)
    name = "model.fcn.weight"
    np.testing.assert_allclose(
        weights(results / "model_epoch_000.pth")[name], weights(baseline / LAST)[name], atol=1e-6
    )
