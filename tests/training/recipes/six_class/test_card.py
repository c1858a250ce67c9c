"""Figures in the model card."""

import json
from pathlib import Path

import numpy as np
import pytest

from converter import InputError
from training.pose_classification.metrics import evaluate_logits
from training.recipes.six_class.card import average_accuracy, read_figures, render, update_card
from training.recipes.six_class.rules import CLASSES

EYE = np.eye(6, dtype=np.float32)
ALL_RIGHT = evaluate_logits(EYE, np.arange(6)).as_dict(CLASSES)
UNKNOWN = {
    "level": 2.5,
    "known": {"sequences": 40, "kept": 0.95, "right_and_kept": 0.9},
    "auroc": {"largest logit": {"hdm05": 0.75, "all": 0.8}},
    "actions": [
        {
            "source": "hdm05",
            "action": "kick",
            "sequences": 4,
            "auroc": 0.75,
            "called_unknown": 0.5,
            "else_called": "standing",
        }
    ],
}


def test_average_is_over_the_classes_that_were_tested() -> None:
    metrics = evaluate_logits(EYE[[0, 0, 1, 2]], np.array([0, 0, 1, 1])).as_dict(CLASSES)
    assert average_accuracy(metrics) == pytest.approx(0.75)
    assert average_accuracy(metrics, CLASSES[1:]) == pytest.approx(0.5)


def test_every_part_has_its_table() -> None:
    some = dict.fromkeys(CLASSES[:3], 2) | dict.fromkeys(CLASSES[3:], 3)
    facts = {"training data": "7200 windows", "training": "4 epochs, 20 minutes"}
    without = {"facts": facts, "accuracy": ALL_RIGHT}
    without |= {"classes_trained": list(CLASSES[:5]), "auroc": 0.625}
    text = render(
        {
            "facts": {"file": "x"},
            "runs": {"test": {"hdm05": some}},
            "accuracy": {"all": ALL_RIGHT},
            "leave_one_out": {"hdm05": without, "utkinect": without},
            "unknown": UNKNOWN,
            "called_jumping": [{"what": "Kinect: jumping", "clips": 4, "jumping": 0.25}],
        }
    )
    assert text.startswith("- file: x\n")
    assert "| test | hdm05 | 2 | 2 | 2 | 3 | 3 | 3 |" in text
    assert "| all | **100.0** | 100.0 (1) |" in text
    (left_out,) = (line for line in text.splitlines() if line.startswith("| hdm05 | **"))
    assert left_out.split(" | ")[-3] == "-"  # nobody jumped in the training without hdm05
    assert left_out.endswith(" | 62.5 |")
    assert "(classes that the other sets do not show are left out; 7200 windows, 4 epochs)" in text
    assert "| walking | 0 | 0 | 0 | 0 | 2 | 0 |" in text  # of both together
    assert "| largest logit | 75.0 | 80.0 |" in text
    assert "| hdm05 | kick | 4 | 75.0 | 50.0 | standing |" in text
    assert "| Kinect: jumping | 4 | 25.0 |" in text
    assert render({}) == ""


def test_figures_go_between_the_marks_of_the_card(tmp_path: Path) -> None:
    card = tmp_path / "card.md"
    card.write_text("# Card\n<!-- figures: begin -->\nold\n<!-- figures: end -->\nThe end.\n")
    update_card(card, "new")
    assert card.read_text() == (
        "# Card\n<!-- figures: begin -->\n\nnew\n<!-- figures: end -->\nThe end.\n"
    )


def test_figures_are_kept_beside_the_card(tmp_path: Path) -> None:
    card = tmp_path / "card.md"
    card.write_text("<!-- figures: begin --><!-- figures: end -->")
    assert read_figures(card) == {}
    card.with_suffix(".json").write_text(json.dumps({"unknown": UNKNOWN}))
    assert read_figures(card) == {"unknown": UNKNOWN}
    card.with_suffix(".json").write_text("{")
    with pytest.raises(InputError, match="is not JSON"):
        read_figures(card)


def test_a_card_without_marks_is_refused(tmp_path: Path) -> None:
    card = tmp_path / "card.md"
    card.write_text("# Card\n")
    for call in (lambda: update_card(card, "x"), lambda: read_figures(card)):
        with pytest.raises(InputError, match="figures: begin"):
            call()
    assert card.read_text() == "# Card\n"
