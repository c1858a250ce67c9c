"""Samples in the form of DeepStream."""

import json

import numpy as np
import pytest

from converter import ConvertConfig
from tests.training.recipes.six_class.figures import person, ramp
from training.recipes.six_class.body import complete
from training.recipes.six_class.document import Track, bounding_box, projected, records
from training.recipes.six_class.motion import moved
from training.recipes.six_class.scene import CAMERA_HEIGHT, Part, Person, perform
from training.recipes.six_class.skeleton import ANKLES, PELVIS

CONFIG = ConvertConfig()


def test_pixels_are_those_of_a_pinhole_camera() -> None:
    motion = np.zeros((1, 34, 4), np.float32)
    motion[..., :3] = [500, -250, 5000]
    motion[0, 1, 2] = 5493
    motion[..., 3] = 0.9
    flat = projected(motion, CONFIG)
    np.testing.assert_allclose(flat[0, 0], [960 + 120, 540 - 60, 0, 0.9], rtol=1e-6)
    assert flat[0, 1, 2] == pytest.approx(1.0)


def test_the_box_holds_all_joints() -> None:
    flat = projected(complete(person(np.zeros(1))), CONFIG)[0]
    left, top, width, height = bounding_box(flat)
    assert left < flat[:, 0].min()
    assert top < flat[:, 1].min()
    assert left + width > flat[:, 0].max()
    assert top + height > flat[:, 1].max()


def test_records_hold_whoever_is_seen_in_the_form_of_deepstream() -> None:
    motion = complete(person(ramp((0, 0.4, 6))))
    aside = moved(motion, np.array([900, 0, 500], np.float32))
    lines = [
        json.loads(line) for line in records([Track(3, 0, motion), Track(7, 8, aside)], CONFIG)
    ]
    frames = [line["batches"][0] for line in lines]
    assert [frame["frame_num"] for frame in frames] == [*range(6), *range(8, 14)]
    assert all(line["num_frames_in_batch"] == len(line["batches"]) == 1 for line in lines)
    assert all("not DeepStream" in line["producer"] for line in lines)
    ids = [[item["object_id"] for item in frame["objects"]] for frame in frames]
    assert ids == [[3]] * 6 + [[7]] * 6
    assert frames[6]["num_obj_meta"] == 1
    assert frames[1]["ntp_timestamp"] - frames[0]["ntp_timestamp"] == 33_333_333
    pose = np.reshape(frames[2]["objects"][0]["pose3d"], (34, 4))
    np.testing.assert_allclose(pose, motion[2], atol=1e-3)
    text = next(records([Track(3, 0, motion)], CONFIG))
    assert f"{motion[0, 0, 1]:f}" in text


def test_parts_follow_each_other_where_the_last_one_ended() -> None:
    clips = {
        "walk": person(np.zeros(40), forward=ramp((0, 1200, 40))),
        "squat": person(ramp((0, 0.5, 20), (0.5, 0.5, 6), (0.5, 0, 20))),
    }
    somebody = Person(
        5,
        first_frame=0,
        place=(300.0, 5000.0),
        parts=(
            Part("walk", 0, 20, "walking"),
            Part("walk", 20, 40, "walking"),
            Part("squat", 0, 20, "sitting_down"),
            Part("squat", 20, 26, "sitting", held=50),
            Part("squat", 26, 46, "getting_up"),
        ),
    )
    motion, runs = perform(somebody, clips)
    assert [(run.label, run.start, run.end) for run in runs] == [
        ("walking", 0, 40),
        ("sitting_down", 40, 60),
        ("sitting", 60, 110),
        ("getting_up", 110, 130),
    ]
    assert len(motion) == 130
    steps = np.linalg.norm(np.diff(motion[:, PELVIS, :3], axis=0), axis=1)
    assert steps.max() < 80
    np.testing.assert_allclose(motion[:, ANKLES, 1], CAMERA_HEIGHT, atol=1)
    np.testing.assert_allclose(motion[:, PELVIS, [0, 2]].mean(axis=0), [300, 5000], atol=1)
