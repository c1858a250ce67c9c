import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from converter import InputError
from tests.training.bpnet.datasets import annotation, make_dataset, write_dataset_spec
from tests.training.bpnet.figures import POSE, crowd, standing
from training.bpnet.coco import Image, Person
from training.bpnet.dataset_convert import convert, main_people, mask_names, record_files
from training.bpnet.dataset_spec import FilteringParams, load_dataset_spec
from training.bpnet.pose_config import PoseConfig
from training.bpnet.records import read_records

ANNOTATIONS = "annotations/person_keypoints_train2017.json"


@pytest.fixture
def dataset(tmp_path):
    """Two images with two and three figures."""
    make_dataset(tmp_path, [crowd(1, 2, 120, 240), crowd(1, 3, 80, 200)])
    return tmp_path


def spec_of(root, **changes):
    return load_dataset_spec(write_dataset_spec(root, **changes))


def records_of(summary):
    return [record for path in summary.files for record in read_records(path)]


def test_a_record_for_every_main_person(dataset):
    summary = convert(spec_of(dataset), "train", dataset / "out" / "train", generate_masks=True)
    assert summary.files == [dataset / "out" / "train-fold-000-of-001"]
    assert (summary.images, summary.records, summary.masks) == (2, 5, 2)
    records = records_of(summary)
    assert [len(record.joints) for record in records] == [2, 2, 3, 3, 3]
    first, second = records[:2]
    np.testing.assert_array_equal(first.joints[0], second.joints[1])
    assert (first.person_idx, second.person_idx) == (0, 1)
    assert first.image_path == "train2017/000000000001.png"
    assert (dataset / first.mask_path).is_file()
    # The network's joints come back from the data set's by name.
    joints = spec_of(dataset).keypoint_map(POSE)(first.joints)
    np.testing.assert_allclose(joints[0, :, :2], crowd(1, 2, 120, 240)[0, :, :2], atol=3)


def test_one_record_per_image(dataset):
    spec = spec_of(dataset, duplicate_data_with_each_person_as_center=False)
    assert convert(spec, "train", dataset / "train").records == 2


def test_partitions_and_shards(dataset):
    summary = convert(spec_of(dataset), "train", dataset / "t", num_partitions=2, num_shards=2)
    assert [path.name for path in summary.files] == [
        "t-fold-000-of-002-shard-00000-of-00002",
        "t-fold-000-of-002-shard-00001-of-00002",
        "t-fold-001-of-002-shard-00000-of-00002",
        "t-fold-001-of-002-shard-00001-of-00002",
    ]
    assert sorted(len(list(read_records(path))) for path in summary.files) == [1, 1, 1, 2]
    assert record_files(dataset / "t", 1, 0) == [dataset / "t-fold-000-of-001"]


def test_damaged_files_are_listed_and_skipped(dataset):
    images = dataset / "train2017"
    (images / "000000000001.png").write_bytes(b"not a png")
    summary = convert(spec_of(dataset), "train", dataset / "train")
    assert summary.records == 3
    assert summary.skipped == ["train2017/000000000001.png: not an image that can be decoded"]
    assert (dataset / "train-skipped.txt").read_text() == summary.skipped[0] + "\n"
    shutil.copy(images / "000000000002.png", images / "000000000001.png")
    assert convert(spec_of(dataset), "train", dataset / "train").skipped == []
    assert not (dataset / "train-skipped.txt").exists()


@pytest.mark.parametrize("name", ["photo", "photo.gif2"])
def test_a_mask_that_cannot_be_written_costs_only_its_photo(dataset, name):
    document = json.loads((dataset / ANNOTATIONS).read_text())
    photos = dataset / "train2017"
    (photos / document["images"][0]["file_name"]).rename(photos / name)
    document["images"][0]["file_name"] = name
    (dataset / ANNOTATIONS).write_text(json.dumps(document))
    summary = convert(spec_of(dataset), "train", dataset / "t", generate_masks=True, compat=True)
    assert summary.records == 3
    (line,) = summary.skipped
    assert line.startswith(f"train2017/{name}: OpenCV writes no mask")


def test_cut_off_jpeg_and_wrong_size_are_damaged(tmp_path):
    document = make_dataset(tmp_path, [crowd(1, 1, 120, 240)] * 3)
    for entry, data in zip(document["images"], ("cut", "small", "good"), strict=True):
        path = tmp_path / "train2017" / entry["file_name"]
        noise = np.random.default_rng(0).integers(0, 255, (256, 256, 3), np.uint8)
        jpeg = cv2.imencode(".jpg", noise if data != "small" else noise[:128])[1].tobytes()
        path.write_bytes(jpeg[: len(jpeg) // 2] if data == "cut" else jpeg)
    summary = convert(spec_of(tmp_path), "train", tmp_path / "train")
    assert summary.records == 1
    assert "cut off" in summary.skipped[0]
    assert "not the annotations' 256x256" in summary.skipped[1]


@pytest.mark.parametrize("suffix", [".png", ".tiff", ".bmp", ".jpg"])
@pytest.mark.parametrize("size", [(250, 251), (251, 252), (252, 257), (249, 250)])
def test_images_of_any_size_and_format(tmp_path, size, suffix):
    document = make_dataset(tmp_path, [crowd(1, 1, 120, 240)], size=size)
    path = tmp_path / "train2017" / document["images"][0]["file_name"]
    path.write_bytes(cv2.imencode(suffix, cv2.imread(str(path)))[1].tobytes())
    summary = convert(spec_of(tmp_path), "train", tmp_path / "t")
    assert (summary.records, summary.skipped) == (1, [])


def test_check_files_wants_masks(dataset):
    with pytest.raises(InputError, match="no person passes"):
        convert(spec_of(dataset), "train", dataset / "train", check_files=True)
    spec = spec_of(dataset)
    convert(spec, "train", dataset / "train", generate_masks=True)
    assert convert(spec, "train", dataset / "train", check_files=True).records == 5


@pytest.mark.parametrize(("compat", "suffix"), [(False, ".png"), (True, ".jpg")])
def test_a_mask_does_not_replace_a_photo(dataset, compat, suffix):
    document = json.loads((dataset / ANNOTATIONS).read_text())
    photos = dataset / "train2017"
    for entry in document["images"]:
        name = Path(entry["file_name"]).with_suffix(suffix).name
        picture = cv2.imread(str(photos / entry["file_name"]))
        cv2.imwrite(str(photos / name), picture)
        entry["file_name"] = name
    (dataset / ANNOTATIONS).write_text(json.dumps(document))
    (dataset / "link").symlink_to(photos)
    before = {path.name: path.read_bytes() for path in photos.iterdir()}
    spec = spec_of(dataset)
    spec.train_data.mask_root_dir_path = "link"
    with pytest.raises(InputError, match="would replace a photo"):
        convert(spec, "train", dataset / "t", generate_masks=True, compat=compat)
    assert {path.name: path.read_bytes() for path in photos.iterdir()} == before
    assert convert(spec, "train", dataset / "t", compat=compat).records == 5


def test_photos_that_differ_in_the_suffix_have_masks_of_their_own(dataset):
    document = json.loads((dataset / ANNOTATIONS).read_text())
    photos = dataset / "train2017"
    for entry, name in zip(document["images"], ("a.png", "a.jpg"), strict=True):
        cv2.imwrite(str(photos / name), cv2.imread(str(photos / entry["file_name"])))
        entry["file_name"] = name
    (dataset / ANNOTATIONS).write_text(json.dumps(document))
    summary = convert(spec_of(dataset), "train", dataset / "t", generate_masks=True)
    masks = {record.mask_path for record in records_of(summary)}
    assert masks == {"train_mask2017/a.png.png", "train_mask2017/a.jpg.png"}
    assert all((dataset / mask).is_file() for mask in masks)


def test_no_two_masks_have_one_name():
    names = ["a.jpg", "a.png", "a.jpg.tif", "b", "b.png.tif", "sub/a.jpg"]
    images = [Image(number, name, 8, 8) for number, name in enumerate(names)]
    masks = mask_names(images)
    assert len({Path(mask) for mask in masks.values()}) == len(names)
    assert masks[5] == "sub/a.png"


def test_nothing_is_left_behind_when_it_fails(dataset):
    spec = spec_of(dataset, data_filtering_params={"min_acceptable_kpts": 18})
    with pytest.raises(InputError, match="no person passes the filter"):
        convert(spec, "train", dataset / "out" / "train")
    assert list((dataset / "out").iterdir()) == []


def person(x, y, width, height, num_keypoints=17, area=1e5):
    return Person(np.zeros((17, 3)), num_keypoints, (x, y, width, height), area, False, None)


def test_main_people_are_large_labelled_and_apart():
    limits = FilteringParams()
    large = person(0, 0, 100, 200)
    assert main_people([large, person(500, 0, 50, 50, area=1023)], limits) == [large]
    assert main_people([large, person(500, 0, 50, 50, num_keypoints=4)], limits) == [large]
    near, far = person(59, 0, 100, 200), person(61, 0, 100, 200)  # 0.3 x 200 = 60
    assert main_people([large, near], limits) == [large]
    assert main_people([large, far], limits) == [large, far]


def test_main_people_compat_measures_with_the_last_annotation():
    people = [person(0, 0, 100, 200), person(59, 0, 100, 200), person(900, 0, 40, 40)]
    assert len(main_people(people, FilteringParams())) == 2
    assert len(main_people(people, FilteringParams(), compat=True)) == 3


def test_another_joint_set(tmp_path):
    names = ["head", "left_hand", "right_hand"]
    joints = standing(20, 20, 100, 200)
    entry = annotation(1, joints, ["nose", "left_wrist", "right_wrist"])
    make_dataset(tmp_path, [joints[None]], annotations=[entry])
    category = {"name": "person", "keypoints": names, "sigmas": [0.05] * 3}
    limits = {"min_acceptable_kpts": 2}
    spec = spec_of(tmp_path, categories=[category], data_filtering_params=limits)
    (record,) = records_of(convert(spec, "train", tmp_path / "t"))
    assert record.joints.shape == (1, 3, 3)
    pose = PoseConfig.from_document(
        {"categories": [{"name": "person", "keypoints": names[::-1], "skeleton": [[1, 3], [2, 3]]}]}
    )
    mapped = spec.keypoint_map(pose)(record.joints)
    np.testing.assert_array_equal(mapped[0, 2, :2], record.joints[0, 0, :2])
