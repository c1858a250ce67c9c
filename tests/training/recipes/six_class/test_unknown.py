"""Known against unknown."""

from pathlib import Path

import numpy as np
import pytest

from tests.training.recipes.six_class.sources import write_sources
from training.recipes.six_class.sources import read_clips
from training.recipes.six_class.unknown import (
    KEPT,
    SCORES,
    Strangers,
    auroc,
    fit_unknown_logit,
    judge,
    largest_logit,
    strangers,
)

RNG = np.random.default_rng(0)


def test_auroc_is_the_chance_of_being_above() -> None:
    known, unknown = RNG.integers(0, 20, 300) + 3.0, RNG.integers(0, 20, 200) + 0.0
    above = (known[:, None] > unknown).mean() + (known[:, None] == unknown).mean() / 2
    assert auroc(known, unknown) == pytest.approx(above)
    assert auroc(known, unknown) == pytest.approx(1 - auroc(unknown, known))


def test_the_level_keeps_the_promised_share() -> None:
    logits = RNG.normal(size=(2000, 6)).astype(np.float32)
    level = fit_unknown_logit(logits)
    assert (logits.max(axis=1) > level).mean() == pytest.approx(KEPT, abs=0.002)


@pytest.mark.parametrize("score", SCORES.values(), ids=SCORES)
def test_every_score_is_high_where_the_network_is_sure(score: object) -> None:
    sure = np.full((50, 6), -3, np.float32)
    sure[:, 2] = 5
    doubtful = RNG.normal(0, 0.1, (50, 6)).astype(np.float32)
    assert auroc(score(sure, 0.7), score(doubtful, 0.7)) == 1  # type: ignore[operator]


def test_the_served_score_is_the_largest_logit() -> None:
    assert next(iter(SCORES.values())) is largest_logit


def test_judgement() -> None:
    known = np.eye(6, dtype=np.float32) * np.array([[9], [9], [9], [9], [1], [9]], np.float32)
    groups = [
        Strangers("a", "kick", np.eye(6, dtype=np.float32)[[1, 1, 2, 2, 2]] * 2),
        Strangers("b", "wave", np.eye(6, dtype=np.float32)[[3]] * 20),
    ]
    found = judge(known, np.array([0, 1, 2, 3, 4, 0]), groups, temperature=1.0, level=3.0)
    assert found["known"] == {
        "sequences": 6,
        "kept": pytest.approx(5 / 6),
        "right_and_kept": pytest.approx(4 / 6),
    }
    assert found["auroc"]["largest logit"] == {
        "a": pytest.approx(5 / 6),
        "b": 0.0,
        "all": pytest.approx(25 / 36),
    }
    kick, wave = found["actions"]
    assert (kick["called_unknown"], kick["else_called"]) == (1.0, "sitting")
    assert (wave["called_unknown"], wave["else_called"]) == (0.0, "standing")


@pytest.mark.parametrize("pose_type", ["3dbp", "2dbp"])
def test_strangers_are_held_out_people_by_action(tmp_path: Path, pose_type: str) -> None:
    class Network:
        temperature = 1.0

        def __call__(self, sequences: np.ndarray) -> np.ndarray:
            assert sequences.shape[1] == (2 if pose_type == "2dbp" else 3)
            return np.zeros((len(sequences), 6), np.float32)

    write_sources(tmp_path)
    found = strangers(Network(), read_clips(tmp_path), pose_type)
    counts = {(group.source, group.action): len(group.logits) for group in found}
    assert counts == {
        ("hdm05", "grabHighR"): 12,
        ("nw_ucla", "pick_up_with_one_hand"): 3,
        ("utkinect", "waveHands"): 3,
    }
