"""The specs that are shipped load, and say what their names promise."""

from __future__ import annotations

from pathlib import Path

import pytest

import training.pose_classification
from converter import get_layout
from training.common.spec import load_spec
from training.pose_classification.build import build_model
from training.pose_classification.importers.nw_ucla import ACTIONS
from training.pose_classification.spec import ExperimentSpec
from training.pose_classification.transforms import Transforms

SPECS = sorted((Path(training.pose_classification.__file__).parent / "specs").glob("*.yaml"))


def load(path: Path) -> ExperimentSpec:
    return load_spec(path, ExperimentSpec, [])


def test_all_are_here():
    names = {path.stem for path in SPECS}
    assert names >= {"nvidia", "kinetics", "nw_ucla_tao", "nw_ucla_strong", "nw_ucla_views"}


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_spec_is_usable(path):
    spec = load(path)
    build_model(spec.model, spec.dataset.num_classes)
    Transforms.of(spec.dataset, get_layout(spec.model.graph_layout))
    assert sorted(spec.dataset.label_map.values()) == list(range(spec.dataset.num_classes))


@pytest.mark.parametrize("name", ["nw_ucla_tao", "nw_ucla_strong", "nw_ucla_views"])
def test_nw_ucla_names_are_those_of_the_importer(name):
    spec = load(next(path for path in SPECS if path.stem == name))
    assert spec.dataset.class_names == list(ACTIONS.values())


def test_tao_recipe_uses_nothing_beyond_tao():
    """Precision aside, which changes the time it takes and not the recipe."""
    spec = load(next(path for path in SPECS if path.stem == "nw_ucla_tao"))
    plain = ExperimentSpec()
    beyond = ("stream", "sampling", "pre_normalise", "random_rotation", "random_scale",
              "random_flip", "random_jitter", "random_crop", "repeat",
              "num_test_clips")  # fmt: skip
    for option in beyond:
        assert getattr(spec.dataset, option) == getattr(plain.dataset, option), option
    assert spec.train.ema_decay == spec.train.label_smoothing == 0
    assert spec.train.optim.warmup_epochs == 0
    assert (spec.model.padding, spec.model.base_channels) == ("tao", 64)


def test_strong_recipe_turns_the_options_on():
    spec = load(next(path for path in SPECS if path.stem == "nw_ucla_strong"))
    assert spec.dataset.sampling == "uniform"
    assert spec.dataset.pre_normalise and spec.dataset.random_rotation
    assert spec.train.label_smoothing and spec.train.ema_decay
    assert spec.train.optim.lr_scheduler == "Cosine" and spec.train.optim.warmup_epochs


def test_views_recipe_turns_bodies_and_draws_frames():
    spec = load(next(path for path in SPECS if path.stem == "nw_ucla_views"))
    assert spec.dataset.sampling == "random"
    assert spec.dataset.fit_box and not spec.dataset.pre_normalise
    assert spec.dataset.random_rotation == [1.05, 1.05, 0.0]
