"""The one command, from the files of the data sets to a model, its card and its picture."""

import json
import logging
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from tests.training.recipes.six_class.sources import write_sources
from training.common.onnx_session import open_session
from training.recipes.six_class import __main__ as recipe
from training.recipes.six_class import make_data, pipeline
from training.recipes.six_class.__main__ import main
from training.recipes.six_class.pipeline import TESTS
from training.recipes.six_class.rules import CLASSES

ROOT = Path(__file__).parents[4]
EMPTY = "<!-- figures: begin -->\n<!-- figures: end -->\n"
SMALL = (
    "model.base_channels=6",
    "dataset.batch_size=8",
    "train.num_epochs=1",
    "train.precision=32",
)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with data, a repository and empty cards."""
    monkeypatch.setattr(make_data, "TEST_WINDOWS", 6)
    torch.set_num_threads(1)
    # The exporter's traces, thousands of lines, would all be captured.
    monkeypatch.setattr(logging.getLogger("torch.__trace"), "propagate", False)
    (tmp_path / "data").mkdir()
    write_sources(tmp_path / "data")
    (tmp_path / "docs" / "cards").mkdir(parents=True)
    (tmp_path / "docs" / "cards" / "card.md").write_text(EMPTY)
    return tmp_path


def run(place: Path, *more: str) -> int:
    places = {"--data": "data", "--results": "results", "--card": "docs/cards/card.md"}
    places["--repository"] = "repository"
    words = [word for flag, path in places.items() for word in (flag, str(place / path))]
    return main([*words, *more])


def answer(model: Path, channels: int) -> NDArray[np.float32]:
    frames = np.ones((2, channels, 40, 34, 1), np.float32)
    logits: NDArray[np.float32] = open_session(model).run(None, {"input": frames})[0]
    return logits


@pytest.mark.slow
def test_one_command_makes_everything_and_another_measures_it_again(place: Path) -> None:
    assert run(place, "--windows", "24", *SMALL) == 0
    model = place / "repository" / "pose_classification_tao" / "1" / "model.onnx"
    logits = answer(model, 3)
    assert logits.shape == (2, 6)  # the seventh class is for training alone
    sidecar = json.loads(model.with_suffix(".json").read_text())
    assert 0.1 <= sidecar["temperature"] <= 10
    assert np.isfinite(sidecar["unknown_logit"])
    card, figures = place / "docs" / "cards" / "card.md", place / "docs" / "cards" / "card.json"
    text = card.read_text()
    assert all(f"| {name} |" in text for name in TESTS)
    assert sidecar["onnx_sha256"] in text
    assert "24 windows" in text
    assert (place / "docs" / "images" / "pose_classification_tao_confusion.png").is_file()
    assert set(json.loads(figures.read_text())["accuracy"]) == set(TESTS)

    before = json.loads(figures.read_text())
    changed = sidecar | {"temperature": 3.0}
    model.with_suffix(".json").write_text(json.dumps(changed))
    assert run(place, "--windows", "0", "--evaluate-only") == 0
    np.testing.assert_array_equal(answer(model, 3), logits)
    after = json.loads(model.with_suffix(".json").read_text())
    assert after["temperature"] == pytest.approx(sidecar["temperature"], rel=0.05)
    assert after["unknown_logit"] == pytest.approx(sidecar["unknown_logit"], abs=1e-3)
    assert json.loads(figures.read_text())["accuracy"] == before["accuracy"]
    assert "24 windows" in card.read_text()  # what is known of the training is kept


@pytest.mark.slow
def test_a_network_for_pictures_comes_with_the_folders_that_serve_it(place: Path) -> None:
    shutil.copytree(ROOT / "model_repository", place / "repository", symlinks=True)
    assert run(place, "--windows", "24", "--pose-type", "2dbp", *SMALL) == 0
    network = place / "repository" / "pose_classification_2dbp_tao"
    assert answer(network / "1" / "model.onnx", 2).shape == (2, 6)
    sidecar = json.loads((network / "1" / "model.json").read_text())
    assert (sidecar["pose_type"], sidecar["padding"]) == ("2dbp", "mask")
    ensemble = place / "repository" / "pose_classification_2dbp"
    assert (ensemble / "labels.txt").read_text().split() == list(CLASSES)


@pytest.mark.slow
def test_leaving_a_data_set_out_changes_the_card_and_no_model(place: Path) -> None:
    assert run(place, "--windows", "20", "--leave-out", "hdm05", *SMALL) == 0
    assert not (place / "repository").exists()
    part = json.loads((place / "docs" / "cards" / "card.json").read_text())["leave_one_out"]
    assert set(part) == {"hdm05"}
    assert "jumping" not in part["hdm05"]["classes_trained"]
    row = next(
        line
        for line in (place / "docs" / "cards" / "card.md").read_text().splitlines()
        if line.startswith("| hdm05 |")
    )
    assert row.split("|")[8].strip() == "-"  # jumping: nobody else does
    assert run(place, "--leave-out", "hdm05", "--evaluate-only") == 2


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--evaluate-only"], "no network to evaluate"),
        (["--evaluate-only", "--leave-out", "hdm05"], "exclude each other"),
        (["--windows", "0"], "--windows 0 leaves nothing to train on"),
        (["--evaluate-only", "--windows", "-1"], "--windows -1 leaves nothing"),
        (["train.num_epochs=x"], "train.num_epochs: 'x' is not allowed"),
        (["--results", "{place}/docs/cards/card.md"], "card.md: is not a folder"),
        (["--pose-type", "4dbp"], "invalid choice: '4dbp'"),
    ],
)
def test_mistakes_are_found_before_anything_is_made(
    place: Path, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    assert run(place, *(word.format(place=place) for word in words)) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
    assert not (place / "results").exists()


@pytest.mark.parametrize(("code", "ended"), [(1, 1), (2, 2), (130, 130)])
def test_a_task_that_ends_early_ends_the_recipe_alike(
    place: Path, monkeypatch: pytest.MonkeyPatch, code: int, ended: int
) -> None:
    monkeypatch.setattr(pipeline, "pose_classification", lambda _: code)
    monkeypatch.setattr(recipe, "make", lambda *_: {"runs": {}})
    assert run(place) == ended


def test_missing_data_are_the_users_mistake(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "card.md").write_text(EMPTY)
    words = {"--data": "", "--results": "results", "--card": "card.md"}
    places = [word for flag, name in words.items() for word in (flag, str(tmp_path / name))]
    assert main(places) == 2
    assert "nw_ucla_json.zip" in capsys.readouterr().err
