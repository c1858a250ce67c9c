"""Actions of no class in training."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from converter import InputError
from tests.training.recipes.six_class.figures import person
from tests.training.recipes.six_class.sources import BEND, write_sources
from training.pose_classification.metadata import CHECKPOINT_KEY
from training.pose_classification.metrics import softmax
from training.recipes.six_class.background import (
    RARER,
    background_rows,
    others,
    without_background,
)
from training.recipes.six_class.rules import CLASSES
from training.recipes.six_class.sources import Clip, read_clips

CLIP = Clip("nw_ucla", "x", "s01", "other", "bend", person(BEND))


def test_gestures_and_walking_with_a_load_are_no_background(tmp_path: Path) -> None:
    write_sources(tmp_path)
    found = others(read_clips(tmp_path))
    assert {source: {clip.label for clip in clips} for source, clips in found.items()} == {
        "nw_ucla": {"pick_up_with_one_hand"}  # the others only stand
    }
    assert others([replace(CLIP, label="carry")]) == {}
    assert others([replace(CLIP, action="walk")]) == {}
    assert others([replace(CLIP, motion=CLIP.motion[:9])]) == {}


@pytest.mark.parametrize(("pose_type", "size"), [("3dbp", 3000), ("2dbp", 5000)])
def test_windows_show_most_of_a_clip(pose_type: str, size: float) -> None:
    rows = background_rows({"nw_ucla": [CLIP]}, 40, 25, pose_type, np.random.default_rng(0))
    assert len(rows) == 40
    assert {row.label for row in rows} == {"unknown"}
    lengths = [len(row.motion) for row in rows]
    assert max(lengths) == 25
    assert min(lengths) >= 9
    assert all(np.isfinite(row.motion).all() for row in rows)
    assert max(np.abs(row.motion[..., :2]).max() for row in rows) < size


def test_without_any_there_is_one_line() -> None:
    with pytest.raises(InputError, match="no action but those"):
        background_rows({}, 1, 100, "3dbp", np.random.default_rng(0))


def test_six_classes_keep_their_probabilities_among_themselves() -> None:
    torch.manual_seed(0)
    state = {"model.fcn.weight": torch.randn(7, 5, 1, 1), "model.fcn.bias": torch.randn(7)}
    before = {"state_dict": state, CHECKPOINT_KEY: {"classes": [*CLASSES, "unknown"], "x": 1}}
    after = without_background(before)
    assert after[CHECKPOINT_KEY] == {"classes": list(CLASSES), "x": 1}
    features = torch.randn(20, 5)
    seven, six = (
        (features @ part["model.fcn.weight"][:, :, 0, 0].T + part["model.fcn.bias"]).numpy()
        for part in (state, after["state_dict"])
    )
    rarer = np.log([RARER.get(name, 1.0) for name in CLASSES])
    np.testing.assert_allclose(softmax(six + rarer), softmax(seven[:, :6]), rtol=1e-4)
    np.testing.assert_allclose(six + rarer, seven[:, :6] - seven[:, 6:], atol=1e-5)
    assert rarer[CLASSES.index("jumping")] > 1
    assert state["model.fcn.bias"].shape == (7,)
