"""From clips to arrays on disk, and the command line."""

import tracemalloc

import numpy as np
import pytest
import yaml

from converter import InputError, get_layout, joint_map
from training.common.spec import load_spec
from training.pose_classification.importers.__main__ import main
from training.pose_classification.importers.arrays import ArrayOptions, write_arrays
from training.pose_classification.importers.clips import Clip, Source, with_confidence
from training.pose_classification.labels import read_labels
from training.pose_classification.spec import ExperimentSpec

KINECT = get_layout("kinect-v1")


def clip(name: str, label: str, frames: int, persons: int = 1, part: str = "train") -> Clip:
    rng = np.random.default_rng(frames)
    poses = with_confidence(rng.normal(size=(frames, persons, 20, 3)))
    poses[0, 0, 7] = 0
    return Clip(name, label, poses, part)


def source(*clips: Clip, **options) -> Source:
    return Source("kinect-v1", iter(clips), **options)


def test_arrays_and_labels(tmp_path):
    clips = clip("a", "wave", 3), clip("b", "clap", 5, persons=2), clip("c", "wave", 2, part="val")
    counts = write_arrays(source(*clips), tmp_path / "out", ArrayOptions())
    assert counts == {"train": 2, "val": 1}
    assert {p.name for p in (tmp_path / "out").iterdir()} == {
        "train.npy", "train_labels.json", "val.npy", "val_labels.json", "label_map.yaml",
        "spec.yaml",
    }  # fmt: skip
    train = np.load(tmp_path / "out" / "train.npy")
    assert train.shape == (2, 3, 5, 20, 2) and train.dtype == np.float32
    np.testing.assert_array_equal(
        train[0, :, :3, :, 0], clips[0].poses[:, 0, :, :3].transpose(2, 0, 1)
    )
    assert not train[0, :, 3:].any() and not train[0, ..., 1].any()
    assert np.load(tmp_path / "out" / "val.npy").shape == (1, 3, 5, 20, 2)
    labels = read_labels(tmp_path / "out" / "train_labels.json")
    assert labels.names == ("a", "b") and labels.ids.tolist() == [1, 0]
    facts = yaml.safe_load((tmp_path / "out" / "label_map.yaml").read_text())
    assert facts == {"num_classes": 2, "label_map": {"clap": 0, "wave": 1}}


@pytest.mark.parametrize("part", ["val", "test", "train"])
def test_the_spec_fits_the_arrays(tmp_path, part):
    clips = clip("a", "wave", 3), clip("b", "clap", 5, part=part)
    write_arrays(source(*clips), tmp_path, ArrayOptions())
    spec = load_spec(tmp_path / "spec.yaml", ExperimentSpec, [])
    assert (spec.model.graph_layout, spec.model.padding) == ("kinect-v1", "mask")
    assert spec.dataset.class_names == ["clap", "wave"]
    assert spec.dataset.batch_size == (2 if part == "train" else 1)
    train, val = spec.dataset.train_dataset, spec.dataset.val_dataset
    assert train.data_path == str(tmp_path / "train.npy")
    assert train.label_path == str(tmp_path / "train_labels.json")
    expected = None if part == "train" else str(tmp_path / f"{part}.npy")
    assert val.data_path == spec.evaluate.test_dataset.data_path == expected


def test_known_classes_keep_their_ids(tmp_path):
    write_arrays(
        source(clip("a", "wave", 3), classes=("sit", "wave", "clap")), tmp_path,
        ArrayOptions(label_format="pkl"),
    )  # fmt: skip
    assert read_labels(tmp_path / "train_labels.pkl").ids.tolist() == [1]
    with pytest.raises(InputError, match="class 'wave' is not one of the data set's 1"):
        write_arrays(source(clip("a", "wave", 3), classes=("sit",)), tmp_path, ArrayOptions())


def test_other_layout(tmp_path):
    one = clip("a", "wave", 4)
    write_arrays(source(one), tmp_path, ArrayOptions(layout="nvidia"))
    expected = joint_map("kinect-v1", "nvidia").apply(one.poses)[..., :3]
    np.testing.assert_array_equal(
        np.load(tmp_path / "train.npy")[0], expected.transpose(3, 0, 2, 1)
    )


def test_relative_and_scaled(tmp_path):
    one = clip("a", "wave", 4)
    write_arrays(source(one), tmp_path, ArrayOptions(relative=True, scale=2.0))
    array = np.load(tmp_path / "train.npy")[0, ..., 0]
    assert not array[:, :, 0].any()
    expected = 2 * (one.poses[2, 0, 5, :3] - one.poses[2, 0, 0, :3])
    np.testing.assert_allclose(array[:, 2, 5], expected, rtol=1e-6)
    assert not array[:, 0, 7].any()  # a missing joint stays zero


def test_relative_to_nothing(tmp_path):
    one = clip("a", "wave", 4)
    one.poses[2, 0, 0] = 0  # the pelvis
    write_arrays(source(one), tmp_path, ArrayOptions(relative=True))
    array = np.load(tmp_path / "train.npy")[0, ..., 0]
    assert array.any(axis=(0, 2)).tolist() == [True, True, False, True]


def test_joints_of_another_layout(tmp_path):
    one = clip("a", "wave", 4)
    odd = Clip("b", "wave", np.ones((4, 1, 25, 4), np.float32), "train")
    with pytest.raises(InputError, match="b: 25 joints, but kinect-v1 has 20"):
        write_arrays(source(one, odd), tmp_path, ArrayOptions())


def test_cutting_and_choosing_is_told(tmp_path, caplog):
    empty = Clip("c", "wave", np.zeros((4, 1, 20, 4), np.float32), "train")
    clips = clip("a", "wave", 9), clip("b", "wave", 3, persons=3), empty
    write_arrays(source(*clips), tmp_path, ArrayOptions(max_frames=6, persons=2))
    assert np.load(tmp_path / "train.npy").shape == (2, 3, 6, 20, 2)
    assert "1 clip(s) were cut to 6 frames" in caplog.text
    assert "1 clip(s) without any joint were left out" in caplog.text


def test_a_clip_as_long_as_allowed_is_not_cut(tmp_path, caplog):
    write_arrays(source(clip("a", "wave", 6)), tmp_path, ArrayOptions(max_frames=6))
    assert caplog.text == ""
    write_arrays(source(clip("a", "wave", 7)), tmp_path, ArrayOptions(max_frames=6))
    assert "1 clip(s) were cut to 6 frames" in caplog.text


@pytest.mark.parametrize("options", [ArrayOptions(), ArrayOptions(relative=True, scale=2.0)])
def test_a_confidence_is_neither_moved_nor_scaled(tmp_path, options):
    one = clip("a", "wave", 4)
    write_arrays(source(one, channels=(0, 1, 3)), tmp_path, options)
    array = np.load(tmp_path / "train.npy")[0, ..., 0]
    np.testing.assert_array_equal(array[2], one.poses[:, 0, :, 3])


def test_nothing_is_left_of_a_failure(tmp_path):
    def failing():
        yield clip("a", "wave", 3)
        raise InputError("x: damaged")

    with pytest.raises(InputError, match="damaged"):
        write_arrays(Source("kinect-v1", failing()), tmp_path, ArrayOptions())
    assert not list(tmp_path.iterdir())
    with pytest.raises(InputError, match="no clips"):
        write_arrays(source(), tmp_path, ArrayOptions())


def test_nothing_is_left_beside_a_file_that_cannot_be_made(tmp_path):
    (tmp_path / "train.npy").mkdir()
    with pytest.raises(IsADirectoryError, match="train"):
        write_arrays(source(clip("a", "wave", 3)), tmp_path, ArrayOptions())
    assert list(tmp_path.iterdir()) == [tmp_path / "train.npy"]


def test_memory_is_bounded(tmp_path):
    frames = 300
    clips = (clip(str(number), "wave", frames) for number in range(200))
    tracemalloc.start()
    write_arrays(Source("kinect-v1", clips), tmp_path, ArrayOptions())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5e6 < (tmp_path / "train.npy").stat().st_size


@pytest.mark.parametrize("part", ["", "..", "../train", "a/b"])
def test_parts_are_names_of_files(tmp_path, part):
    with pytest.raises(InputError, match="cannot be the name of a file"):
        write_arrays(source(clip("a", "x", 3, part=part)), tmp_path / "out", ArrayOptions())
    assert list((tmp_path / "out").iterdir()) == []


def test_command_line(tmp_path, capsys):
    table = tmp_path / "x.csv"
    table.write_text("sample,frame,joint,x,y,z,label\na,0,pelvis,1,2,3,wave\n")
    command = ["csv", str(table), "-o", str(tmp_path / "out"), "--from-layout", "kinect-v1"]
    assert main(command) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'out' / 'all'}.npy: 1 sequences\n"
    assert np.load(tmp_path / "out" / "all.npy").shape == (1, 3, 1, 20, 1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["csv", "{csv}", "-o", "{out}"], "needs --from-layout"),
        (["csv", "/nowhere", "-o", "{out}"], "/nowhere: no such file"),
        (["xyz", "{csv}", "-o", "{out}"], "invalid choice"),
        (["csv", "{csv}", "-o", "{out}", "--max-frames", "0"], "'0' is not a whole number above 0"),
        (["csv", "{csv}", "-o", "{out}", "--persons", "two"], "'two' is not a whole number"),
        (["csv", "{csv}", "-o", "{out}", "--scale", "1,5"], "'1,5' is not a number other than 0"),
        (["csv", "{csv}"], "required"),
        (["csv", "{csv}", "-o", "{out}", "--scale", "nan"], "other than 0"),
        (["csv", "{csv}", "-o", "{out}", "--scale", "half"], "'half' is not a number other than 0"),
        (["csv", "{csv}", "-o", "{out}", "--from-layout", "kinect-v1", "--split", "x"], "no --spl"),
        (["ntu", "{csv}", "-o", "{out}", "--from-layout", "coco"], "ntu has no --from-layout: it"),
        (["csv", "{csv}", "-o", "{out}", "--scores"], "csv has no --scores: it is for annotations"),
        (["csv", "{csv}", "-o", "{csv}", "--from-layout", "kinect-v1"], "cannot be written to"),
    ],
)
def test_command_line_mistakes(tmp_path, capsys, arguments, message):
    places = {"csv": str(tmp_path / "x.csv"), "out": str(tmp_path / "out")}
    (tmp_path / "x.csv").write_text("")
    assert main([argument.format(**places) for argument in arguments]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
