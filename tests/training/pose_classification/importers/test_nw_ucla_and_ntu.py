import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from converter import InputError
from training.pose_classification.importers import nw_ucla as nw_ucla_module
from training.pose_classification.importers.ntu import open_ntu, read_skeletons
from training.pose_classification.importers.nw_ucla import open_nw_ucla


def _body(frames: int, joints: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(frames, joints, 3)).round(5)


@pytest.fixture
def nw_ucla(tmp_path) -> Path:
    folder = tmp_path / "nw_ucla"
    folder.mkdir()
    for number, name in enumerate(
        ("a01_s01_e00_v01", "a08_s02_e01_v02", "a12_s10_e04_v03", "a04_s03_e00_v03")
    ):
        skeletons = _body(3 + number, 20, number)
        if number == 1:
            skeletons[2, 5] = 0
        content = {"file_name": name, "skeletons": skeletons.tolist()}
        (folder / f"{name}.json").write_text(json.dumps(content))
    return folder


def test_nw_ucla_folder(nw_ucla):
    source = open_nw_ucla(nw_ucla, None)
    clips = {clip.name: clip for clip in source.clips}
    assert source.layout == "kinect-v1"
    assert len(source.classes) == 10 and source.classes[6] == "donning"
    assert {name: (clip.label, clip.part) for name, clip in clips.items()} == {
        "a01_s01_e00_v01": ("pick_up_with_one_hand", "train"),
        "a08_s02_e01_v02": ("donning", "train"),
        "a12_s10_e04_v03": ("carry", "val"),
        "a04_s03_e00_v03": ("walk_around", "val"),
    }
    donning = clips["a08_s02_e01_v02"].poses
    assert donning.shape == (4, 1, 20, 4)
    expected = _body(4, 20, 1)
    expected[2, 5] = 0
    np.testing.assert_allclose(donning[:, 0, :, :3], expected, rtol=1e-6)
    assert donning[2, 0, 5, 3] == 0 and donning[..., 3].sum() == 4 * 20 - 1


def test_nw_ucla_zip_is_the_same(nw_ucla, tmp_path):
    archive = tmp_path / "x.zip"
    with zipfile.ZipFile(archive, "w") as out:
        for file in nw_ucla.iterdir():
            out.write(file, f"nw_ucla/{file.name}")
    from_zip = list(open_nw_ucla(archive, None).clips)
    from_folder = list(open_nw_ucla(nw_ucla, None).clips)
    assert [clip.name for clip in from_zip] == [clip.name for clip in from_folder]
    np.testing.assert_array_equal(from_zip[0].poses, from_folder[0].poses)


def test_nw_ucla_splits(nw_ucla, tmp_path):
    def parts(split):
        return {clip.name: clip.part for clip in open_nw_ucla(nw_ucla, split).clips}

    assert parts("validation") == {"a01_s01_e00_v01": "train", "a08_s02_e01_v02": "val"}
    assert parts("validation-reverse") == {"a01_s01_e00_v01": "val", "a08_s02_e01_v02": "train"}
    assert set(parts("none").values()) == {"all"}
    split = {
        "train": [{"file_name": "a12_s10_e04_v03", "label": 9}],
        "test": [{"file_name": "a01_s01_e00_v01", "label": 0}],
    }
    path = tmp_path / "split.json"
    path.write_text(json.dumps(split))
    assert parts(str(path)) == {"a12_s10_e04_v03": "train", "a01_s01_e00_v01": "val"}
    path.write_text("[]")
    with pytest.raises(InputError, match="must hold train and test"):
        parts(str(path))
    with pytest.raises(InputError, match="or a JSON file"):
        parts("crossview")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "must hold"),
        ('{"skeletons": [[[1, 2]]]}', r"are \(1, 1, 2\)"),
        ('{"skeletons": "x"}', "must hold"),
    ],
)
def test_nw_ucla_damaged(nw_ucla, content, message):
    (nw_ucla / "a01_s01_e00_v01.json").write_text(content)
    with pytest.raises(InputError, match=f"a01_s01_e00_v01.json: .*{message}"):
        list(open_nw_ucla(nw_ucla, None).clips)


def test_nw_ucla_other_files(nw_ucla, tmp_path):
    (nw_ucla / "a07_s01_e00_v01.json").write_text("{}")
    with pytest.raises(InputError, match=r"a07_s01_e00_v01\.json: not a name"):
        list(open_nw_ucla(nw_ucla, None).clips)
    (tmp_path / "x.zip").write_bytes(b"rubbish")
    with pytest.raises(InputError, match="neither a folder nor a readable zip"):
        list(open_nw_ucla(tmp_path / "x.zip", None).clips)


def test_files_that_macos_puts_beside_others_are_passed_over(nw_ucla, ntu, tmp_path):
    for folder, suffix in ((nw_ucla, "json"), (ntu[0], "skeleton")):
        (folder / "__MACOSX").mkdir()
        for file in list(folder.glob(f"*.{suffix}")):
            (folder / "__MACOSX" / f"._{file.name}").write_bytes(b"\x00\x05\x16\x07")
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as out:
        for file in nw_ucla.rglob("*.json"):
            out.write(file, str(file.relative_to(nw_ucla)))
    assert len(list(open_nw_ucla(nw_ucla, None).clips)) == 4
    assert len(list(open_nw_ucla(tmp_path / "x.zip", None).clips)) == 4
    assert len(list(open_ntu(ntu[0], None).clips)) == 1


def test_nw_ucla_zip_that_is_damaged_inside(nw_ucla, tmp_path):
    archive = tmp_path / "x.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as out:
        out.write(nw_ucla / "a01_s01_e00_v01.json", "a01_s01_e00_v01.json")
    whole = archive.read_bytes()
    start = whole.index(b".json") + 5
    locked = bytearray(whole)
    locked[6] |= 1  # it says that it is encrypted, here and in the directory
    locked[whole.index(b"PK\x01\x02") + 8] |= 1
    for damaged in (whole[:start] + b"\xff" * 50 + whole[start + 50 :], bytes(locked)):
        archive.write_bytes(damaged)
        with pytest.raises(InputError, match=r"x\.zip: neither a folder nor a readable zip"):
            list(open_nw_ucla(archive, None).clips)


def test_nw_ucla_zip_that_unpacks_to_too_much(nw_ucla, tmp_path, monkeypatch):
    monkeypatch.setattr(nw_ucla_module, "LARGEST_FILE", 1000)
    with zipfile.ZipFile(tmp_path / "x.zip", "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("a01_s01_e00_v01.json", " " * 1001)
    with pytest.raises(InputError, match=r"a01_s01_e00_v01\.json is larger than a sequence"):
        list(open_nw_ucla(tmp_path / "x.zip", None).clips)


def test_nw_ucla_that_is_nested_too_deeply(tmp_path):
    (tmp_path / "a01_s01_e00_v01.json").write_text("[" * 100_000)
    with pytest.raises(InputError, match="must hold"):
        list(open_nw_ucla(tmp_path, None).clips)


def test_nw_ucla_without_sequences(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as out:
        out.writestr("readme.txt", "")
    for path in (tmp_path, tmp_path / "x.zip"):
        with pytest.raises(InputError, match=f"{path}: no .json files"):
            list(open_nw_ucla(path, None).clips)


def _skeleton_text(frames: list[dict[str, np.ndarray]]) -> str:
    """A file as the Kinect recorder of NTU RGB+D wrote it."""
    lines = [str(len(frames))]
    for bodies in frames:
        lines.append(str(len(bodies)))
        for body, joints in bodies.items():
            lines.append(f"{body} 0 1 1 1 1 0 -0.1 0.2 2")
            lines.append("25")
            for x, y, z in joints:
                lines.append(f"{x} {y} {z} 277.4 191.8 1036.6 519.3 -0.21 0.02 0.98 -0.03 2")
    return "\r\n".join(lines) + "\r\n"


NAME = "S001C002P003R002A013"


@pytest.fixture
def ntu(tmp_path) -> tuple[Path, np.ndarray, np.ndarray]:
    lively, calm = _body(3, 25, 1), 0.1 * _body(3, 25, 2)
    frames = [{"72057594037931101": calm[0]}, {}, {"72057594037931101": calm[2], "7205": lively[2]}]
    folder = tmp_path / "ntu" / "nturgb+d_skeletons"
    folder.mkdir(parents=True)
    (folder / f"{NAME}.skeleton").write_text(_skeleton_text(frames))
    return folder, lively, calm


def test_ntu_bodies_are_told_apart_and_put_in_order(ntu):
    folder, lively, calm = ntu
    bodies = read_skeletons(folder / f"{NAME}.skeleton")
    assert bodies.shape == (3, 2, 25, 3)
    np.testing.assert_allclose(bodies[2, 0], lively[2], rtol=1e-6)
    np.testing.assert_allclose(bodies[0, 1], calm[0], rtol=1e-6)
    assert not bodies[1].any() and not bodies[0, 0].any()


def test_ntu_source(ntu):
    source = open_ntu(ntu[0].parent, None)
    (clip,) = source.clips
    assert (clip.name, clip.label, clip.part) == (NAME, "A013", "val")  # subject 3 tests
    assert clip.poses.shape == (3, 2, 25, 4)
    assert source.layout == "ntu-rgb+d"
    assert len(source.classes) == 60


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("S002C002P001R001A061", ("train", "train", "train", "train")),
        ("S001C001P002R001A061", ("train", "val", "train", "val")),
        ("S001C003P103R001A061", ("val", "train", "train", "val")),
        ("S003C001P003R001A061", ("val", "val", "val", "val")),
    ],
)
def test_ntu_splits(tmp_path, name, parts):
    (tmp_path / f"{name}.skeleton").write_text(_skeleton_text([{"1": _body(1, 25)[0]}]))
    found = []
    for split in ("xsub", "xview", "xsub120", "xset120"):
        source = open_ntu(tmp_path, split)
        assert len(source.classes) == 120
        found += [clip.part for clip in source.clips]
    assert tuple(found) == parts
    assert [clip.part for clip in open_ntu(tmp_path, "none").clips] == ["all"]


def test_ntu_without_bodies_is_an_empty_clip(tmp_path):
    (tmp_path / f"{NAME}.skeleton").write_text(_skeleton_text([{}, {}]))
    (clip,) = open_ntu(tmp_path, None).clips
    assert not clip.poses.any()


def test_ntu_mistakes(ntu, tmp_path):
    folder = ntu[0]
    with pytest.raises(InputError, match="one of xsub"):
        open_ntu(folder, "cross")
    with pytest.raises(InputError, match=r"no \.skeleton files"):
        open_ntu(tmp_path / "empty", None)
    with pytest.raises(InputError, match="unpack archives first"):
        open_ntu(folder / f"{NAME}.skeleton", None)
    text = (folder / f"{NAME}.skeleton").read_text()
    for damaged in (text[: len(text) // 2], text.replace("\n25\n", "\n24\n"), "x"):
        (folder / f"{NAME}.skeleton").write_text(damaged)
        with pytest.raises(InputError, match=f"{NAME}.skeleton: damaged"):
            list(open_ntu(folder, None).clips)
    (folder / "x.skeleton").write_text(text)
    with pytest.raises(InputError, match=r"x\.skeleton: not a name"):
        list(open_ntu(folder, None).clips)
