"""From the files of the data sets to arrays, on drawn people."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from tests.training.recipes.six_class.sources import write_sources
from training.pose_classification.labels import read_labels
from training.recipes.six_class import make_data
from training.recipes.six_class.rules import CLASSES
from training.recipes.six_class.skeleton import ANKLES, JOINT, NECK, PELVIS
from training.recipes.six_class.sources import camera_frame, read_clips
from training.recipes.six_class.split import TEST_SUBJECTS, split_of


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    write_sources(folder)
    return folder


def test_all_sources_come_out_upright_in_mm_at_30_hz_facing_the_same_way(data: Path) -> None:
    clips = list(read_clips(data))
    assert Counter(clip.source for clip in clips) == {"nw_ucla": 40, "utkinect": 40, "hdm05": 150}
    assert {clip.action for clip in clips if clip.source == "nw_ucla"} == {
        "walk",
        "sit_down",
        "stand_up",
        "other",
    }
    assert {clip.label for clip in clips if clip.action == "other"} == {
        "pick_up_with_one_hand",
        "waveHands",
        "grabHighR",
    }
    for clip in clips:
        if clip.action == "walk":
            first = clip.motion[0]
            assert first[ANKLES, 1].mean() > first[PELVIS, 1] > first[NECK, 1]
            assert 700 < first[ANKLES, 1].mean() - first[PELVIS, 1] < 900
            assert first[JOINT["left_hip"], 0] > first[JOINT["right_hip"], 0]
            speed = np.linalg.norm(np.diff(clip.motion[:, PELVIS, :3], axis=0), axis=1)
            assert np.median(speed) == pytest.approx(35, rel=0.1)
            assert len(clip.motion) in (59, 60)


def test_a_camera_that_looks_down_is_levelled() -> None:
    up_as_seen = np.array([[0, np.cos(0.2), -np.sin(0.2)]], np.float32)
    level = camera_frame(up_as_seen, pitch=np.rad2deg(0.2))
    np.testing.assert_allclose(level, [[0, -1, 0]], atol=1e-6)


def test_nobody_is_in_two_parts(data: Path) -> None:
    people: dict[str, set[tuple[str, str]]] = {"train": set(), "val": set(), "test": set()}
    for clip in read_clips(data):
        people[split_of(clip)].add((clip.source, clip.subject))
    assert people["test"].isdisjoint(people["train"] | people["val"])
    assert {source for source, _ in people["test"]} == set(TEST_SUBJECTS)
    shared = people["train"] & people["val"]
    assert {source for source, _ in shared} == {"hdm05"}


def test_a_missing_file_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = make_data.main(["--data", str(tmp_path), "--output", str(tmp_path / "out")])
    assert code == 2
    assert "nw_ucla_json.zip" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_arrays_labels_and_manifest(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(make_data, "TEST_WINDOWS", 12)
    manifest = make_data.make(data, tmp_path, make_data.Plan(windows=48, seed=1))
    train = np.load(tmp_path / "train.npy")
    assert train.shape == (48, 3, 100, 34, 1)
    assert train.dtype == np.float32
    assert np.isfinite(train).all()
    assert 0.3 < np.abs(train).max() < 2
    frames = train.any(axis=(1, 3, 4))
    lengths = frames.sum(axis=1)
    assert lengths.min() >= 9
    assert (frames[:, :-1] >= frames[:, 1:]).mean() > 0.99  # zeros behind, not between
    labels = read_labels(tmp_path / "train.json")
    assert Counter(labels.ids.tolist()) == {**dict.fromkeys(range(6), 7), 6: 6}  # 6: no class
    test = read_labels(tmp_path / "test.json")
    per_source = [read_labels(tmp_path / f"test_{name}.json") for name in TEST_SUBJECTS]
    assert len(test) == sum(len(part) for part in per_source)
    assert np.load(tmp_path / "test.npy", mmap_mode="r").shape == (len(test), 3, 300, 34, 1)
    assert np.load(tmp_path / "test_30_frames.npy", mmap_mode="r").shape[0] == 12
    assert json.loads((tmp_path / "manifest.json").read_text()) == manifest
    for split in manifest["runs"].values():
        assert split["hdm05"]["jumping"] > 0
        assert split["nw_ucla"]["jumping"] == 0
        assert set(split["utkinect"]) == set(CLASSES)
    assert not list(tmp_path.glob("*.part"))


def test_the_same_seed_gives_the_same_bytes(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(make_data, "TEST_WINDOWS", 6)
    for name in ("a", "b"):
        make_data.make(data, tmp_path / name, make_data.Plan(windows=12, seed=5))
    made = [{path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in "ab"]
    assert made[0] and made[0] == made[1]


@pytest.mark.parametrize(("pose_type", "channels"), [("2dbp", 2), ("25dbp", 3)])
def test_pictures_instead_of_positions(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pose_type: str, channels: int
) -> None:
    monkeypatch.setattr(make_data, "TEST_WINDOWS", 6)
    make_data.make(data, tmp_path, make_data.Plan(pose_type, windows=30))
    for name in ("train", "val", "test", "test_hdm05", "test_30_frames"):
        array = np.load(tmp_path / f"{name}.npy")
        assert array.shape[1] == channels
        assert np.isfinite(array).all()
        seen = array[:, :2][(array[:, :2] != 0).any(axis=1)[:, None].repeat(2, axis=1)]
        assert (np.abs(seen) < 0.6).mean() > 0.9  # in the picture, or nearly
    assert np.abs(array[:, :, 0, PELVIS]).max() > 0.05  # not all are in its middle


def test_a_data_set_left_out_is_for_testing_alone(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(make_data, "TEST_WINDOWS", 5)
    manifest = make_data.make(data, tmp_path, make_data.Plan(left_out="hdm05", windows=40))
    runs = manifest["runs"]
    assert not any(runs["train"]["hdm05"].values())
    assert not any(runs["val"]["hdm05"].values())
    whole = make_data.make(data, tmp_path / "whole", make_data.Plan(windows=0))["runs"]
    for label in ("jumping", "walking"):
        everybody = sum(whole[part]["hdm05"][label] for part in whole)
        assert runs["test"]["hdm05"][label] == everybody > whole["test"]["hdm05"][label] > 0
    # Nobody else jumps: the other five are drawn in turn.
    labels = read_labels(tmp_path / "train.json").ids
    assert Counter(labels.tolist()) == {**dict.fromkeys(range(5), 7), 6: 5}
    assert not (tmp_path / "whole" / "train.npy").exists()
