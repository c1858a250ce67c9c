"""The arithmetic of a training follows the machine, if that is asked for."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
import torch

from training.common.spec import load_spec
from training.pose_classification.precision import has_bf16, lightning_precision
from training.pose_classification.spec import ExperimentSpec

TRAINING = Path(__file__).resolve().parents[3] / "training"
RECIPES = [
    TRAINING / "recipes" / "six_class" / "spec.yaml",
    *sorted((TRAINING / "pose_classification" / "specs").glob("nw_ucla_*.yaml")),
]


def machine(monkeypatch: pytest.MonkeyPatch, gpu: bool | None = None, **able: bool) -> None:
    """Pretend to be on another machine: with a GPU (that has bf16 or not), or a processor."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu is not None)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: bool(gpu))
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: able)


@pytest.mark.parametrize(
    ("gpu", "able", "expected"),
    [
        (None, {"avx2": True}, "32-true"),
        (None, {"avx512_f": True, "avx512_bf16": False, "amx_bf16": False}, "32-true"),
        (None, {"avx512_bf16": True}, "bf16-mixed"),
        (None, {"amx_bf16": True}, "bf16-mixed"),
        (False, {"amx_bf16": True}, "32-true"),
        (True, {}, "bf16-mixed"),
    ],
)
def test_auto(monkeypatch, caplog, gpu, able, expected):
    machine(monkeypatch, gpu, **able)
    with caplog.at_level(logging.INFO):
        assert lightning_precision("auto") == expected
    assert [record.levelname for record in caplog.records] == ["INFO"]


@pytest.mark.parametrize(("wanted", "expected"), [(32, "32-true"), ("bf16", "bf16-mixed")])
def test_what_is_asked_for_is_taken(monkeypatch, wanted, expected):
    machine(monkeypatch, avx2=True)
    assert lightning_precision(wanted) == expected


@pytest.mark.parametrize(("able", "warnings"), [({"avx2": True}, 1), ({"amx_bf16": True}, 0)])
def test_slow_bf16_is_told(monkeypatch, caplog, able, warnings):
    machine(monkeypatch, **able)
    lightning_precision("bf16")
    assert caplog.text.count("auto chooses") == warnings


def test_of_this_machine():
    flags = Path("/proc/cpuinfo")
    if torch.cuda.is_available() or not flags.exists():
        pytest.skip("/proc/cpuinfo does not tell")
    words = flags.read_text().split()
    assert has_bf16() == ("amx_bf16" in words or "avx512_bf16" in words)


@pytest.mark.parametrize("spec", RECIPES, ids=lambda path: path.name)
def test_recipes_follow_the_machine(spec):
    assert load_spec(spec, ExperimentSpec).train.precision == "auto"
