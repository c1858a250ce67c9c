"""The benchmark on drawn people in the form of its data set."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.bpnet_coco_mini import FOLDER, main
from tests.training.bpnet.datasets import make_dataset
from tests.training.bpnet.figures import crowd

torch.set_num_threads(1)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    rng = np.random.default_rng(0)
    for split, count in (("train", 3), ("val", 2)):
        scenes = [crowd(1, 2, 120, 230, rng) for _ in range(count)]
        make_dataset(tmp_path / FOLDER, scenes, split=split)
    folder.mkdir()
    shutil.make_archive(str(folder / "coco_mini"), "zip", tmp_path, FOLDER)
    return folder


@pytest.mark.slow
def test_the_chain_runs_and_is_not_repeated(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results, work = tmp_path / "results.json", tmp_path / "work"
    command = ["--data", str(data), "--quick", "--work", str(work), "--results", str(results)]
    main(command)
    written = json.loads(results.read_text())
    assert (written["epochs"], written["side"]) == (1, 128)
    for split in ("train", "val"):
        assert written["figures"]["labels"][split][0] > 0.5  # the figures are drawn well apart
        assert len(written["figures"]["network"][split]) == 10
    for name in ("pruned.pth", "model.onnx", "inference/detections.json"):
        assert (work / "quick" / name).is_file()
    trained = (work / "quick/train/model.epoch-1.pth").stat().st_mtime
    capsys.readouterr()
    main(command)
    assert (work / "quick/train/model.epoch-1.pth").stat().st_mtime == trained
    assert json.loads(results.read_text())["figures"] == written["figures"]
    assert "AP on coco_mini, 1 epochs" in capsys.readouterr().out


def test_a_missing_archive_is_named(tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--data", str(tmp_path), "--work", str(tmp_path / "work")])
    assert caught.value.code != 0
