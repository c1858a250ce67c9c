from __future__ import annotations

from pathlib import Path

from tests.training.pose_classification.networks import small_model
from training.common.schema import options_table
from training.pose_classification.spec import ExperimentSpec

PAGE = (Path(__file__).parents[3] / "docs" / "training.md").read_text()


def test_every_option_is_in_the_page() -> None:
    # If not: write the output of `pose_classification default_specs --table` to the page's end.
    assert PAGE.endswith(options_table(ExperimentSpec) + "\n")


def test_names_of_nvidias_weights_are_in_the_page() -> None:
    parts = {name.split(".")[0] for name in small_model().state_dict()}
    assert all(f"`{part}" in PAGE for part in parts)
