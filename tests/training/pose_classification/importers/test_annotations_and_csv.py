import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from converter import InputError
from training.pose_classification.importers.annotations import open_annotations
from training.pose_classification.importers.csv_table import open_csv


def _annotation(name: str, label: int, persons: int = 1, frames: int = 4) -> dict:
    rng = np.random.default_rng(label)
    return {
        "frame_dir": name,
        "label": label,
        "img_shape": (1080, 1920),
        "original_shape": (1080, 1920),
        "total_frames": frames,
        "keypoint": rng.uniform(0, 1000, (persons, frames, 17, 2)).astype(np.float16),
        "keypoint_score": rng.uniform(0.1, 1, (persons, frames, 17)).astype(np.float16),
    }


def _save(path: Path, content: object) -> Path:
    path.write_bytes(pickle.dumps(content))
    return path


@pytest.fixture
def content() -> dict:
    annotations = [_annotation("S1", 0), _annotation("S2", 3, persons=2), _annotation("S3", 1)]
    annotations[0]["keypoint_score"][0, 2, 5] = 0
    split = {"xsub_train": ["S1", "S2"], "xsub_val": ["S3"], "xview_train": ["S3"], "xview_val": []}
    return {"split": split, "annotations": annotations}


def test_annotations_in_2d(tmp_path, content):
    source = open_annotations(_save(tmp_path / "x.pkl", content), "xsub", None, scores=True)
    clips = list(source.clips)
    assert source.layout == "coco" and source.channels == (0, 1, 3)
    assert source.classes == ("0", "1", "2", "3")
    assert [(clip.name, clip.label, clip.part) for clip in clips] == [
        ("S1", "0", "train"),
        ("S2", "3", "train"),
        ("S3", "1", "val"),
    ]
    assert clips[1].poses.shape == (4, 2, 17, 4)
    stored = content["annotations"][1]
    expected = stored["keypoint"][1, 2, 7].astype(np.float32) / [1920, 1080] - 0.5
    np.testing.assert_allclose(clips[1].poses[2, 1, 7, :2], expected, rtol=1e-5)
    assert clips[1].poses[2, 1, 7, 3] == stored["keypoint_score"][1, 2, 7]
    assert not clips[0].poses[2, 0, 5].any()
    flat = open_annotations(tmp_path / "x.pkl", "xsub", None, scores=False)
    assert flat.channels == (0, 1)


def test_annotations_in_3d(tmp_path):
    keypoint = np.random.default_rng(0).normal(size=(2, 3, 25, 3))
    entry = {"frame_dir": "S1", "label": np.int64(2), "keypoint": keypoint, "total_frames": 3}
    source = open_annotations(_save(tmp_path / "x.pkl", [entry]), None, None, scores=False)
    (clip,) = source.clips
    assert source.layout == "ntu-rgb+d" and source.channels == (0, 1, 2)
    assert (clip.label, clip.part) == ("2", "all")
    np.testing.assert_allclose(clip.poses[1, 1, :, :3], keypoint[1, 1], rtol=1e-6)


def test_annotation_splits(tmp_path, content):
    path = _save(tmp_path / "x.pkl", content)
    view = {c.name: c.part for c in open_annotations(path, "xview", None, False).clips}
    assert view == {"S3": "train"}
    whole = {c.part for c in open_annotations(path, "none", None, False).clips}
    assert whole == {"all"}
    for split in (None, "xset"):
        with pytest.raises(InputError, match=r"xsub_train.*choose with --split"):
            open_annotations(path, split, None, False)
    content["split"] = {"train": ["S2"], "val": ["S1"]}
    plain = open_annotations(_save(path, content), None, None, False).clips
    assert {c.name: c.part for c in plain} == {"S2": "train", "S1": "val"}


@pytest.mark.parametrize(
    ("names", "split"),
    [(("train", "test"), None), (("train1", "test1"), "1"), (("sub_train", "sub_test"), "sub")],
)
def test_annotation_splits_of_other_names(tmp_path, content, names, split):
    content["split"] = {names[0]: ["S2"], names[1]: ["S1"], "train2": ["S1"], "test2": ["S2"]}
    clips = open_annotations(_save(tmp_path / "x.pkl", content), split, None, False).clips
    assert {c.name: c.part for c in clips} == {"S2": "train", "S1": "val"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"keypoint": [[1]]}, "annotation 1: keypoint must be an array"),
        ({"keypoint": np.empty((1, 4, 17, 2), object)}, "annotation 1: keypoint"),
        ({"label": "x"}, "annotation 1: label must be a number"),
        ({"keypoint_score": np.ones(3)}, "annotation 1: keypoint_score"),
        ({"img_shape": (0, 3)}, "annotation 1: img_shape"),
        ({"img_shape": ("1080", "1920")}, "annotation 1: img_shape"),
        ({"keypoint": np.ones((1, 4, 17, 3))}, "annotation 1: 17 keypoints of 3 numbers, the f"),
        (
            {"keypoint": np.ones((1, 4, 18, 2)), "keypoint_score": np.ones((1, 4, 18))},
            "annotation 1: 18 keypoints of 2 numbers, the first has 17 of 2",
        ),
    ],
)
def test_annotations_malformed(tmp_path, content, change, message):
    content["annotations"][1] |= change
    with pytest.raises(InputError, match=message):
        open_annotations(_save(tmp_path / "x.pkl", content), "xsub", None, False)


def test_annotations_of_another_kind(tmp_path, content):
    del content["annotations"][2]["label"]
    with pytest.raises(InputError, match="annotation 2: has no 'label'"):
        open_annotations(_save(tmp_path / "x.pkl", content), "xsub", None, False)
    with pytest.raises(InputError, match="holds no list of annotations"):
        open_annotations(_save(tmp_path / "x.pkl", {"a": 1}), None, None, False)
    entry = {"frame_dir": "S1", "label": 0, "keypoint": np.ones((1, 2, 13, 3))}
    with pytest.raises(InputError, match="13 keypoints; say which layout"):
        open_annotations(_save(tmp_path / "x.pkl", [entry]), None, None, False)


def test_annotations_are_not_executed(tmp_path):
    class Bomb:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "executed"),)

    with pytest.raises(InputError, match="refuses"):
        open_annotations(_save(tmp_path / "x.pkl", {"annotations": [Bomb()]}), None, None, False)
    assert not (tmp_path / "executed").exists()


HEADER = "sample,frame,joint,x,y,z,label\n"


def _csv(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "x.csv"
    path.write_text(text, encoding="utf-8-sig")
    return path


def test_csv(tmp_path):
    path = _csv(
        tmp_path,
        HEADER + "a,7,pelvis,1,2,3,wave\na,5,3,4,5,6,wave\nb,0,head,1,1,1,clap\n",
    )
    source = open_csv(path, "kinect-v1")
    first, second = source.clips
    assert (first.name, first.label, first.part) == ("a", "wave", "all")
    assert first.poses.shape == (2, 1, 20, 4)
    assert first.poses[0, 0, 3].tolist() == [4, 5, 6, 1]  # frame 5 comes before frame 7
    assert first.poses[1, 0, 0].tolist() == [1, 2, 3, 1]
    assert first.poses.sum() == 4 + 5 + 6 + 1 + 1 + 2 + 3 + 1
    assert second.name == "b"


def test_csv_with_all_columns(tmp_path):
    path = _csv(
        tmp_path,
        "label,part,person,confidence,z,y,x,joint,frame,sample\n"
        "wave,train,9,0.5,3,2,1,0,0,a\nwave,train,4,0,3,2,1,0,0,a\nclap,val,,,3,2,1,1,0,b\n",
    )
    first, second = open_csv(path, "kinect-v1").clips
    assert first.poses.shape == (1, 2, 20, 4)
    assert first.poses[0, 1, 0].tolist() == [1, 2, 3, 0.5]
    assert not first.poses[0, 0].any()
    assert (first.part, second.part) == ("train", "val")


def test_csv_with_spaces_behind_commas(tmp_path):
    text = (HEADER + "a,0,pelvis,1,2,3,wave\n").replace(",", ", ")
    (clip,) = open_csv(_csv(tmp_path, text), "kinect-v1").clips
    assert clip.label == "wave" and clip.poses[0, 0, 0].tolist() == [1, 2, 3, 1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sample,frame,joint,x,y,label\n", "has no column 'z'"),
        (HEADER.replace(",", ";"), "has no column 'sample'; there are .'sample;frame"),
        (HEADER + '"a,0,0,1,2,3,w\n' + "x" * 140_000, "is no table"),
        (
            HEADER.replace("label", "label,part") + "a,0,0,1,2,3,w,train\na,1,0,1,2,3,w,val\n",
            "line 2: sample 'a' has several parts",
        ),
        (HEADER + "a,0,tail,1,2,3,w\n", "line 2: 'tail' is not a joint"),
        (HEADER + "a,0,0,1,2,3,w\na,1,0,1,?,3,w\n", "line 3: a number"),
        (HEADER + "a,0,0,1,2\n", "line 2: a number"),
        (HEADER + "a,0,0,1,2,3\n", "line 2: sample 'a' has no label"),
        (HEADER + "a,0,0,1,2,3,\n", "line 2: sample 'a' has no label"),
        (HEADER + "a,x,0,1,2,3,w\n", "line 2: a number"),
        (HEADER + "a,0,0,1,2,3,w\nb,0,0,1,2,3,w\na,1,0,1,2,3,w\n", "line 4: sample 'a' began"),
        (HEADER + "a,0,0,1,2,3,w\na,1,0,1,2,3,v\n", "line 2: sample 'a' has several labels"),
        (HEADER + "a,0,0,1,2,3,w\na,0,0,4,2,3,w\n", "sample 'a' has a joint twice in a frame"),
    ],
)
def test_csv_malformed(tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        list(open_csv(_csv(tmp_path, text), "kinect-v1").clips)


def test_csv_of_another_encoding(tmp_path):
    (tmp_path / "x.csv").write_bytes((HEADER + "a,0,0,1,2,3,füttern\n").encode("latin-1"))
    with pytest.raises(InputError, match="is not UTF-8 text"):
        list(open_csv(tmp_path / "x.csv", "kinect-v1").clips)
