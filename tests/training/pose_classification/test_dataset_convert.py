from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.converter import nvidia_rules
from training.pose_classification.cli import main
from training.pose_classification.dataset_convert import GrowingArray

JOINTS = 34


def document(lengths: dict[int, int], seed: int = 0) -> list[dict[str, Any]]:
    """A record a frame, with persons present for so many frames each."""
    random = np.random.default_rng(seed)
    records = []
    for frame in range(max(lengths.values(), default=0)):
        objects = [
            {
                "object_id": person,
                "pose3d": random.normal(0, 900, JOINTS * 4).round(3).tolist(),
                "pose25d": random.uniform(0, 1000, JOINTS * 4).round(3).tolist(),
            }
            for person, length in lengths.items()
            if frame < length
        ]
        for item in objects:
            for pose in (item["pose3d"], item["pose25d"]):
                pose[3::4] = random.choice([0.0, 0.5], JOINTS).tolist()
        batch = {"batch_id": 0, "frame_num": frame, "objects": objects}
        records.append({"num_frames_in_batch": 1, "batches": [batch]})
    return records


def convert(folder: Path, records: Any, *overrides: str) -> int:
    (folder / "poses.json").write_text(json.dumps(records))
    (folder / "spec.yaml").write_text(
        f"results_dir: {folder}/results\ndataset_convert:\n  data: {folder}/poses.json\n"
    )
    return main(["dataset_convert", "-e", f"{folder}/spec.yaml", *overrides])


def arrays(folder: Path) -> dict[str, np.ndarray]:
    return {
        path.stem: np.load(path, allow_pickle=False)
        for path in (folder / "results" / "dataset_convert").glob("*.npy")
    }


SETTINGS: list[dict[str, Any]] = [
    {},
    {"pose_type": "25dbp", "frame_width": 1280, "frame_height": 720},
    {"pose_type": "2dbp", "focal_length": 800.0},
    {"focal_length": 800.0},
    {"sequence_length_max": 120, "sequence_length": 60, "sequence_overlap": 0.3},
    {"sequence_length_min": 40},
]


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_as_nvidia(tmp_path: Path, settings: dict[str, Any]) -> None:
    records = document({7: 220, 3: 5, 12: 37})
    names = {"frame_width": "input_width", "frame_height": "input_height"}
    options = [f"dataset_convert.{names.get(key, key)}={v}" for key, v in settings.items()]
    assert convert(tmp_path, records, *options) == 0
    rules = nvidia_rules.Settings(**settings)
    poses, frames = nvidia_rules.collect(records, rules)
    got = arrays(tmp_path)
    expected_ids = set()
    for person in poses:
        expected, _ = nvidia_rules.segments({person: poses[person]}, frames, rules)
        if expected:
            expected_ids.add(f"object_{person}")
            array = got[f"object_{person}"]
            assert array.dtype == np.float32
            # Poses are kept in float32 before they are normalised, NVIDIA's in float64.
            np.testing.assert_allclose(array, np.concatenate(expected), rtol=1e-5, atol=1e-6)
    assert got.keys() == expected_ids


def test_messages(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    convert(tmp_path, document({4: 120, 9: 5}))
    folder = tmp_path / "results" / "dataset_convert"
    saved = f"Saved data (3, 3, 300, 34, 1) for object 4 at {folder}/object_4.npy"
    assert capsys.readouterr().out.splitlines() == ["Number of objects: 2", saved]
    status = [json.loads(line) for line in (folder / "status.json").read_text().splitlines()]
    assert [line["message"] for line in status[1:3]] == ["Number of objects: 2", saved]
    assert status[1]["kpi"] == {"Number of objects": 2}
    assert (folder / "experiment.yaml").exists()


def test_results_dir(tmp_path: Path) -> None:
    convert(tmp_path, document({4: 20}), f"dataset_convert.results_dir={tmp_path}/here")
    assert sorted(item.name for item in (tmp_path / "here").iterdir()) == [
        "experiment.yaml",
        "object_4.npy",
        "status.json",
    ]


def test_nobody(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert convert(tmp_path, []) == 0
    assert capsys.readouterr().out == "Number of objects: 0\n"
    assert arrays(tmp_path) == {}


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("dataset_convert.num_joints=17", "asks for 68"),
        ("dataset_convert.sequence_length=301", "sequence_length_max must hold"),
        ("dataset_convert.sequence_overlap=0.001", "stride of at least 1 frame"),
        ("dataset_convert.data=none.json", "none.json"),
        ("dataset_convert.data=", "dataset_convert.data is not set"),
    ],
)
def test_mistakes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], override: str, expected: str
) -> None:
    assert convert(tmp_path, document({4: 40}), override) == 2
    error = capsys.readouterr().err
    assert expected in error
    assert error.count("\n") == 1
    assert arrays(tmp_path) == {}


def test_broken_file_leaves_no_arrays(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    records = document({4: 400})
    del records[350]["batches"][0]["objects"][0]["pose3d"][5:]
    assert convert(tmp_path, records) == 2
    assert "pose3d" in capsys.readouterr().err
    left = [item.name for item in (tmp_path / "results" / "dataset_convert").iterdir()]
    assert sorted(left) == ["experiment.yaml", "status.json"]


def test_ids_cannot_name_other_folders(tmp_path: Path) -> None:
    records = document({4: 20})
    for record in records:
        record["batches"][0]["objects"][0]["object_id"] = "../../x"
    assert convert(tmp_path, records) == 0
    assert list(arrays(tmp_path)) == ["object_..%2F..%2Fx"]


def test_growing_array(tmp_path: Path) -> None:
    file = GrowingArray(tmp_path / "a.npy", (2, 3))
    for number in range(1234):
        file.append(np.full((2, 3), number, np.float32))
    assert not (tmp_path / "a.npy").exists()
    assert file.finish() == (1234, 2, 3)
    array = np.load(tmp_path / "a.npy")
    assert array.shape == (1234, 2, 3)
    assert array[:, 1, 2].tolist() == list(range(1234))
    assert len(list(tmp_path.iterdir())) == 1


def test_files_of_an_earlier_run_are_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert convert(tmp_path, document({7: 30, 3: 30})) == 0
    assert "earlier run" not in caplog.text
    assert convert(tmp_path, document({3: 30})) == 0
    assert "still holds files of an earlier run: object_7.npy" in caplog.text
    assert set(arrays(tmp_path)) == {"object_3", "object_7"}


def test_several_cameras_are_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    records = document({3: 30})
    for record in records:
        record["batches"].append({**record["batches"][0], "batch_id": 1})
        record["num_frames_in_batch"] = 2
    assert convert(tmp_path, records) == 0
    assert "2 sources are taken for one, as NVIDIA does" in caplog.text
