"""Recordings of one's own, in a folder for each class."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import yaml

from converter import ConvertConfig, network_input
from converter.deepstream import AnnotationJob
from tests.training.pose_classification.test_dataset_convert import document
from training.pose_classification.importers.__main__ import main

PLACES = {"train/wave/a.json": 130, "train/clap/b.ndjson": 40, "val/wave/c.json": 60}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for seed, (place, frames) in enumerate(PLACES.items()):
        path = tmp_path / "poses" / place
        path.parent.mkdir(parents=True, exist_ok=True)
        records = document({7: frames}, seed)
        lines = "\n".join(json.dumps(record) for record in records)
        path.write_text(lines if path.suffix == ".ndjson" else json.dumps(records))
    return tmp_path / "poses"


@pytest.mark.parametrize(
    ("flags", "config"),
    [
        ([], ConvertConfig()),
        (
            ["--pose-type", "25dbp", "--frame-size", "640x480", "--frame-rate", "15"],
            ConvertConfig(pose_type="25dbp", frame_width=640, frame_height=480, frame_rate=15),
        ),
        (["--pose-type", "2dbp"], ConvertConfig(pose_type="2dbp")),
    ],
)
def test_arrays_are_what_the_network_is_served(
    folder: Path, tmp_path: Path, flags: list[str], config: ConvertConfig
) -> None:
    output = tmp_path / "arrays"
    assert main(["documents", str(folder), "-o", str(output), *flags]) == 0
    served = []
    for place in ("train/clap/b.ndjson", "train/wave/a.json"):
        with AnnotationJob(folder / place, config) as job:
            served += [network_input(segment.keypoints, config) for segment in job.segments()]
    array = np.load(output / "train.npy")
    frames = array.shape[2]
    np.testing.assert_array_equal(array, np.stack(served)[:, :, :frames])
    assert not np.stack(served)[:, :, frames:].any()
    labels = json.loads((output / "train_labels.json").read_text())
    names, ids = labels["names"], labels["labels"]
    assert ids == [0] + [1] * (len(served) - 1)
    assert names[:2] == ["clap/b.ndjson, id 7, from 0", "wave/a.json, id 7, from 0"]
    facts = yaml.safe_load((output / "label_map.yaml").read_text())
    assert facts == {"num_classes": 2, "label_map": {"clap": 0, "wave": 1}}
    assert len(np.load(output / "val.npy")) >= 1


@pytest.mark.parametrize(
    ("place", "flags", "message"),
    [
        ("wave/a.json", [], "wave/a.json: must be at PART/CLASS/NAME.json"),
        ("a.txt", [], "poses: holds no documents: they must be at"),
        ("train/wave/a.json", ["--split", "x"], "documents has no --split"),
        ("train/wave/a.json", ["--frame-size", "640"], "argument --frame-size: '' is not a whole"),
    ],
)
def test_what_cannot_be_read_is_refused(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    place: str,
    flags: list[str],
    message: str,
) -> None:
    path = tmp_path / "poses" / place
    path.parent.mkdir(parents=True)
    path.write_text("[]")
    output = str(tmp_path / "arrays")
    assert main(["documents", str(tmp_path / "poses"), "-o", output, *flags]) == 2
    assert message in capsys.readouterr().err
