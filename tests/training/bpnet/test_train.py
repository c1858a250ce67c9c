"""Training through the command line on drawn figures, small enough for every run of the tests."""

import json
import os
import shutil
import subprocess
import sys

import pytest
import torch
import yaml
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tests.training.bpnet.runs import make_records, spec_tree, train, weights
from training.bpnet.cli import main
from training.bpnet.saved_model import load_model

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("coco")
    make_records(root)
    return root


@pytest.fixture
def spec(root, tmp_path):
    path = tmp_path / "spec.yaml"
    path.write_text(yaml.safe_dump(spec_tree(root)))
    return path


def status(results):
    return [json.loads(line) for line in (results / "status.json").read_text().splitlines()]


def test_a_training_leaves_what_it_should(spec, tmp_path, capfd):
    results = tmp_path / "results"
    more = ("max_ckpt_to_keep=2", "infrequent_summary_every_n_steps=4")
    assert train(spec, results, "-k", "sesam", *more) == 0
    assert capfd.readouterr().out.splitlines()[-1] == str(results / "bpnet_model.pth")
    names = sorted(path.name for path in results.glob("*.pth"))
    assert names == [
        "bpnet_latest.pth",
        "bpnet_model.pth",
        "model.epoch-3.pth",
        "model.epoch-4.pth",
    ]
    assert (results / "bpnet_latest.pth").resolve().name == "model.epoch-4.pth"
    assert load_model(results / "bpnet_model.pth", key="sesam")[1].spec.stage_channels == 16
    lines = status(results)
    assert [line["status"] for line in lines] == ["STARTED", *["RUNNING"] * 4, "SUCCESS"]
    # Validated is every second epoch.
    figures = [line["kpi"].keys() for line in lines if "kpi" in line]
    assert figures[1] == figures[3] == {"loss", "val_loss", "learning_rate"}
    assert figures[0] == figures[2] == {"loss", "learning_rate"}
    assert lines[4]["kpi"]["loss"] < lines[1]["kpi"]["loss"]
    assert yaml.safe_load((results / "experiment.yaml").read_text())["num_epoch"] == 4
    board = EventAccumulator(str(results / "lightning_logs")).Reload()
    assert {"loss", "paf_loss/stage2", "val_loss"} <= set(board.Tags()["scalars"])
    assert len(board.Scalars("loss")) == 8
    assert set(board.Tags()["images"]) == {"input", "labels", "heatmaps"}


def test_an_interrupted_training_goes_on_as_if_nothing_had_happened(spec, tmp_path):
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    assert train(spec, whole, "num_epoch=2") == 0
    broken.mkdir()
    shutil.copy(whole / "model.epoch-1.pth", broken)
    (broken / "bpnet_latest.pth").symlink_to("model.epoch-1.pth")
    assert train(spec, broken, "num_epoch=2") == 0
    (broken / "bpnet_model.pth").unlink()  # as if killed after the last checkpoint
    assert train(spec, broken, "num_epoch=2") == 0
    expected = weights(whole / "bpnet_model.pth")
    for name, found in weights(broken / "bpnet_model.pth").items():
        torch.testing.assert_close(found, expected[name], rtol=0, atol=0, msg=name)


def test_two_processes(spec, tmp_path):
    results = tmp_path / "results"
    command = [sys.executable, "-m", "training.bpnet", "train", "-e", str(spec)]
    command += ["-r", str(results), "--gpus", "2", "num_epoch=1"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr[-2000:]
    kpi = status(results)[1]["kpi"]
    assert status(results)[1]["step"] == 1  # 4 records, 2 processes, 2 a batch
    assert kpi["learning_rate"] == pytest.approx(1e-5)
    assert (results / "bpnet_model.pth").is_file()


def test_a_loss_that_is_not_finite_stops_all_processes_with_one_line(spec, tmp_path):
    command = [sys.executable, "-m", "training.bpnet", "train", "-e", str(spec)]
    command += ["-r", str(tmp_path / "results"), "--gpus", "2", "-ll", "ERROR", "num_epoch=1"]
    command += ["dataloader.normalization_params.image_scale=[1e-38,1e-38,1e-38]"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=900)
    assert done.returncode == 2, done.stderr[-2000:]
    lines = [line for line in done.stderr.splitlines() if "the loss is" in line]
    assert len(lines) == 1
    assert lines[0].endswith("lower the learning rate")
    assert "Traceback" not in done.stderr


def test_another_network_or_fewer_epochs_cannot_be_gone_on_with(spec, tmp_path, capsys):
    results = tmp_path / "results"
    assert train(spec, results, "num_epoch=2") == 0
    before = (results / "experiment.yaml").read_text()
    assert train(spec, results, "model.stage_channels=8") == 2
    assert "belongs to another network" in capsys.readouterr().err
    assert train(spec, results, "num_epoch=1") == 2
    assert "has 2 epochs, num_epoch is 1; raise it" in capsys.readouterr().err
    assert (results / "experiment.yaml").read_text() == before


def test_starting_from_a_model(spec, tmp_path):
    assert train(spec, tmp_path / "a", "num_epoch=1") == 0
    start = tmp_path / "a" / "bpnet_model.pth"
    tiny = ("num_epoch=1", "optimizer.learning_rate_schedule.base_learning_rate=1e-9")
    tiny += ("optimizer.learning_rate_schedule.min_learning_rate=1e-10",)
    assert train(spec, tmp_path / "b", f"pretrained_weights={start}", *tiny) == 0
    tuning = (
        "finetuning_config.is_finetune_exp=True",
        f"finetuning_config.checkpoint_path={start}",
    )
    tuning += ("finetuning_config.ckpt_epoch_num=10",)
    assert train(spec, tmp_path / "c", *tuning, *tiny) == 0
    assert (tmp_path / "c" / "model.epoch-11.pth").is_file()
    name = "stage2.paf.out.conv.weight"
    expected = weights(start)[name]
    for folder in "bc":
        found = weights(tmp_path / folder / "bpnet_model.pth")[name]
        torch.testing.assert_close(found, expected, atol=1e-6, rtol=0)


def test_a_pruned_network_is_trained_again_as_narrow_as_it_is(spec, tmp_path):
    assert train(spec, tmp_path / "a", "num_epoch=1") == 0
    pruned = tmp_path / "pruned.pth"
    command = ["prune", "-m", str(tmp_path / "a" / "bpnet_model.pth"), "-o", str(pruned)]
    assert main([*command, "-pth", "9", "-pg", "4", "-nf", "4"]) == 0
    assert train(spec, tmp_path / "b", f"pretrained_weights={pruned}", "load_graph=True") == 0
    model, info = load_model(tmp_path / "b" / "bpnet_model.pth")
    assert info.widths["reduction"] == model.reduction.out_channels == 4
    losses = [line["kpi"]["loss"] for line in status(tmp_path / "b") if "kpi" in line]
    assert losses[-1] < losses[0]


@pytest.mark.parametrize(
    ("overrides", "says"),
    [
        (["optimizer.learning_rate_schedule.base_learning_rate=1e30"], "lower the learning rate"),
        (["dataloader.dataset_config.root_data_path=/nowhere"], "check root_data_path"),
        (
            ["dataloader.dataset_config.root_data_path=/nowhere", "dataloader.num_workers=1"],
            "check root_data_path",
        ),
        (["pretrained_weights=/nowhere.pth"], "cannot read the checkpoint"),
        (["load_graph=True"], "load_graph needs the pruned model"),
        (["precision='16'"], "needs a GPU"),
    ],
)
def test_mistakes_are_one_line_and_exit_2(spec, tmp_path, capsys, monkeypatch, overrides, says):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert train(spec, tmp_path / "results", *overrides) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("bpnet: error: ")
    assert says in error
    last = status(tmp_path / "results")[-1]
    assert last["status"] == "FAILURE"
    assert says in last["message"]
