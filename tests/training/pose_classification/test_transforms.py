"""Each option of `dataset.*` does its work, at its place in the documented order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from converter import get_layout
from training.pose_classification import augment, temporal
from training.pose_classification.prenormalise import fit_box, make_pre_normaliser
from training.pose_classification.spec_dataset import DatasetSpec
from training.pose_classification.streams import make_stream, parents
from training.pose_classification.transforms import Transforms

NVIDIA = get_layout("nvidia")
PARENT = parents(NVIDIA)
FRAMES, STORED = 12, 15  # poses, and with the padding behind
ANGLES = [0.1, 0.2, 0.3]
Work = Callable[[np.ndarray, np.random.Generator], np.ndarray]


def upright(sequence: np.ndarray) -> np.ndarray:
    return make_pre_normaliser(NVIDIA, True)(sequence)


def rng() -> np.random.Generator:
    return np.random.default_rng(3)


@pytest.fixture
def stored() -> np.ndarray:
    poses = np.random.default_rng(0).normal(size=(3, FRAMES, 34, 1)).astype(np.float32)
    return temporal.pad(poses, STORED)


@pytest.mark.parametrize(
    ("options", "work"),
    [
        ({"pre_normalise": True}, lambda s, _: upright(s)),
        ({"random_rotation": ANGLES}, lambda s, r: augment.random_rotation(s, ANGLES, r)),
        ({"random_scale": 0.2}, lambda s, r: augment.random_scale(s, 0.2, r)),
        ({"random_flip": 1.0}, lambda s, r: augment.random_flip(s, NVIDIA.pairs, 1.0, r)),
        ({"random_jitter": 0.1}, lambda s, r: augment.random_jitter(s, 0.1, r)),
        ({"fit_box": True}, lambda s, _: fit_box(s)),
        (
            {"random_choose": True, "window_size": 8},
            lambda s, r: temporal.random_choose(s, 8, r),
        ),
        ({"random_move": True}, augment.random_move),
        ({"stream": "bone_motion"}, lambda s, _: make_stream(s, "bone_motion", PARENT)),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_each_option_does_its_work(stored: np.ndarray, options: dict[str, Any], work: Work) -> None:
    made = Transforms.of(DatasetSpec(**options), NVIDIA).train(stored, rng())
    np.testing.assert_array_equal(made, work(stored, rng()))
    assert made.shape != stored.shape or (made != stored).any()


@pytest.mark.parametrize(
    ("sampling", "sample"),
    [("uniform", temporal.uniform_sample), ("random", temporal.random_sample)],
)
def test_all_options_work_in_the_documented_order(stored, sampling: str, sample) -> None:
    dataset = DatasetSpec(
        random_crop=0.5,
        pre_normalise=True,
        random_rotation=ANGLES,
        random_scale=0.2,
        random_flip=1.0,
        random_jitter=0.1,
        fit_box=True,
        random_choose=True,
        window_size=5,
        random_move=True,
        stream="bone",
        sampling=sampling,
        clip_length=4,
    )
    draws = rng()
    expected = upright(temporal.random_crop(stored[:, :FRAMES], 0.5, draws))
    expected = augment.random_rotation(expected, ANGLES, draws)
    expected = augment.random_scale(expected, 0.2, draws)
    expected = augment.random_flip(expected, NVIDIA.pairs, 1.0, draws)
    expected = fit_box(augment.random_jitter(expected, 0.1, draws))
    expected = augment.random_move(temporal.random_choose(expected, 5, draws), draws)
    expected = sample(make_stream(expected, "bone", PARENT), 4, draws)
    transforms = Transforms.of(dataset, NVIDIA)
    np.testing.assert_array_equal(transforms.train(stored, rng()), expected)

    tested = make_stream(fit_box(upright(stored[:, :FRAMES])), "bone", PARENT)
    clips = temporal.uniform_clips(tested, 4, dataset.num_test_clips)
    np.testing.assert_array_equal(transforms.test(stored), clips)
