from pathlib import Path

import numpy as np
import pytest

from converter import InputError, get_layout
from training.pose_classification.importers.hdm05 import open_hdm05
from training.pose_classification.importers.utkinect import open_utkinect

FRAMES = np.random.default_rng(0).normal(size=(12, 20, 3)).round(4)


@pytest.fixture
def original(tmp_path) -> Path:
    (tmp_path / "actionLabel.txt").write_text(
        "s01_e01\nwalk: 10 14\nsitDown: 16 20\n\ns02_e01\nwalk: 10 10\ncarry: NaN NaN\n"
    )
    numbers = range(8, 32, 2)
    rows = [
        f"{number}  " + "  ".join(f"{value:.4f}" for value in frame.ravel())
        for number, frame in zip(numbers, FRAMES, strict=True)
    ]
    rows.insert(3, rows[2])  # the recorder wrote frame 12 twice
    for name in ("s01_e01", "s02_e01"):
        (tmp_path / f"joints_{name}.txt").write_text("\n".join(rows) + "\n")
    return tmp_path


def test_utkinect_original(original):
    clips = {clip.name: clip for clip in open_utkinect(original, None).clips}
    assert list(clips) == ["s01_e01_walk", "s01_e01_sitDown", "s02_e01_walk"]
    walk = clips["s01_e01_walk"]
    assert (walk.label, walk.part) == ("walk", "all")
    assert walk.poses.shape == (3, 1, 20, 4)
    np.testing.assert_allclose(walk.poses[:, 0, :, :3], FRAMES[1:4], rtol=1e-6)
    np.testing.assert_allclose(clips["s01_e01_sitDown"].poses[:, 0, :, :3], FRAMES[4:7], rtol=1e-6)


def test_utkinect_split_by_subject(original):
    parts = [clip.part for clip in open_utkinect(original, "2,4").clips]
    assert parts == ["val", "val", "train"]
    with pytest.raises(InputError, match="must be subjects such as 1,3,5"):
        open_utkinect(original, "odd")
    with pytest.raises(InputError, match=r"'split1': is for an \.npz"):
        open_utkinect(original, "split1")
    with pytest.raises(InputError, match="'11,12': no subject of that name"):
        list(open_utkinect(original, "11,12").clips)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("sitDown: 16 20", "sitDown 16 20", "line 3: 'sitDown 16 20' is not understood"),
        ("sitDown", "jump", "line 3: 'jump: 16 20'"),
        ("16 20", "16 2O", "line 3: 'sitDown: 16 2O' is not understood"),
        ("walk", "wälk", "line 2: .* is not understood"),
        ("s01_e01\n", "", "line 1"),
    ],
)
def test_utkinect_damaged_labels(original, old, new, message):
    labels = original / "actionLabel.txt"
    labels.write_text(labels.read_text().replace(old, new))
    with pytest.raises(InputError, match=message):
        list(open_utkinect(original, None).clips)


def test_utkinect_damaged_recordings(original):
    file = original / "joints_s01_e01.txt"
    file.write_text("1 2 3\n")
    with pytest.raises(InputError, match="3 numbers a line, must be 61"):
        list(open_utkinect(original, None).clips)
    file.unlink()
    with pytest.raises(InputError, match=r"joints_s01_e01\.txt"):
        list(open_utkinect(original, None).clips)
    (original / "actionLabel.txt").unlink()
    with pytest.raises(InputError, match=r"actionLabel\.txt: no such file"):
        list(open_utkinect(original, None).clips)


def test_utkinect_npz(tmp_path):
    path = tmp_path / "x.npz"
    np.savez(
        path,
        frames=FRAMES,
        offsets=[0, 5, 12],
        names=["s01_e01_walk", "s09_e02_clapHands"],
        tr_subjects=[[1, 2], [8, 9]],
        te_subjects=[[8, 9], [1, 2]],
    )
    clips = list(open_utkinect(path, "split2").clips)
    assert [(clip.name, clip.label, clip.part) for clip in clips] == [
        ("s01_e01_walk", "walk", "val"),
        ("s09_e02_clapHands", "clapHands", "train"),
    ]
    np.testing.assert_allclose(clips[1].poses[:, 0, :, :3], FRAMES[5:], rtol=1e-6)
    with pytest.raises(InputError, match="split1 to split2"):
        open_utkinect(path, "split3")
    np.savez(path, frames=FRAMES)
    with pytest.raises(InputError, match="has no array"):
        list(open_utkinect(path, None).clips)
    path.write_bytes(b"rubbish")
    with pytest.raises(InputError, match=r"not a readable \.npz"):
        list(open_utkinect(path, None).clips)


def test_npz_that_is_damaged_inside(tmp_path):
    path = tmp_path / "x.npz"
    np.savez_compressed(path, frames=FRAMES, offsets=[0, 12], names=["s01_e01_walk"])
    whole = path.read_bytes()
    start = whole.index(b"frames.npy") + len("frames.npy") + 20
    path.write_bytes(whole[:start] + b"\xff" * 50 + whole[start + 50 :])
    with pytest.raises(InputError, match=r"not a readable \.npz"):
        list(open_utkinect(path, None).clips)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"frames": FRAMES[:, :, :2]}, "frames must be numbers of shape"),
        ({"frames": FRAMES.reshape(12, 60)}, "frames must be numbers of shape"),
        ({"names": [1, 2]}, "names must be a list of texts"),
        ({"names": [b"s01_e01_walk", b"s09_e02_carry"]}, "names must be a list of texts"),
        ({"offsets": [0, 5]}, "offsets must be whole numbers"),
        ({"offsets": [0.0, 5.0, 12.0]}, "offsets must be whole numbers"),
        ({"offsets": [0, 5, 13]}, "offsets must be whole numbers"),
    ],
)
def test_npz_malformed(tmp_path, change, message):
    content = {"frames": FRAMES, "offsets": [0, 5, 12], "names": ["s01_e01_walk", "s09_e02_carry"]}
    np.savez(tmp_path / "x.npz", **content | change)
    with pytest.raises(InputError, match=message):
        list(open_utkinect(tmp_path / "x.npz", None).clips)


def _npz(path: Path, bones: list[str]) -> np.ndarray:
    frames = np.random.default_rng(1).normal(size=(7, len(bones), 3))
    np.savez(
        path,
        frames=frames,
        offsets=[0, 3, 7],
        labels=[0, 1],
        names=["HDM_bd_cartwheelLHandStart1Reps_001_120", "HDM_mm_sneak2StepsLStart_003_120"],
        bones=bones,
        is_test=[False, True],
    )
    return frames


def test_hdm05_npz_in_any_order_of_bones(tmp_path):
    bones = list(reversed(get_layout("hdm05").joints))
    frames = _npz(tmp_path / "x.npz", bones)
    clips = list(open_hdm05(tmp_path / "x.npz", "npz").clips)
    assert [(clip.label, clip.part) for clip in clips] == [
        ("cartwheelLHandStart1Reps", "train"),
        ("sneak2StepsLStart", "val"),
    ]
    np.testing.assert_allclose(clips[1].poses[:, 0, :, :3], frames[3:, ::-1], rtol=1e-5)
    parts = [clip.part for clip in open_hdm05(tmp_path / "x.npz", "mm,tr").clips]
    assert parts == ["val", "train"]


@pytest.mark.parametrize(
    ("split", "message"),
    [("nzp", "must be subjects such as bd,bk,dg, or npz"), ("zz", "no subject of that")],
)
def test_hdm05_split_with_a_slip(tmp_path, split, message):
    _npz(tmp_path / "x.npz", list(get_layout("hdm05").joints))
    with pytest.raises(InputError, match=message):
        list(open_hdm05(tmp_path / "x.npz", split).clips)


@pytest.mark.parametrize(
    ("key", "length", "message"),
    [("is_test", 1, "is_test must say of each"), ("bones", 30, "bones must name the 31 joints")],
)
def test_hdm05_npz_with_too_short_a_list(tmp_path, key, length, message):
    _npz(tmp_path / "x.npz", list(get_layout("hdm05").joints))
    with np.load(tmp_path / "x.npz") as file:
        content = {name: file[name] for name in file}
    np.savez(tmp_path / "x.npz", **content | {key: content[key][:length]})
    with pytest.raises(InputError, match=message):
        list(open_hdm05(tmp_path / "x.npz", "npz").clips)


def test_hdm05_npz_without_a_bone(tmp_path):
    _npz(tmp_path / "x.npz", list(get_layout("hdm05").joints[:-1]))
    with pytest.raises(InputError, match="bone 'rthumb' is missing"):
        list(open_hdm05(tmp_path / "x.npz", None).clips)
