"""Everything, in one command: ``python -m training.recipes.six_class --data DIR``.

Makes the arrays, trains, fits the temperature on the validation data, exports the network into
the model repository, measures the exported file on the held-out people and writes the figures
into the model card. It goes on where it was interrupted if ``--results`` is the same; about 20
minutes on two cores.
"""

import argparse
import json
import logging
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from converter import InputError
from training.common.results import write_atomic
from training.common.spec import load_spec
from training.pose_classification.cli import main as pose_classification
from training.pose_classification.labels import read_labels
from training.pose_classification.plots import save_confusion
from training.pose_classification.predictor import load_predictor
from training.pose_classification.spec import ExperimentSpec
from training.recipes.six_class.card import figures_json, render, update_card
from training.recipes.six_class.make_data import SEED, WINDOWS, make
from training.recipes.six_class.measure import (
    evaluate_array,
    fit_temperature,
    logits_of,
    sensor_cue,
)
from training.recipes.six_class.rules import CLASSES
from training.recipes.six_class.sources import DATA_SETS, read_clips

HERE, ROOT = Path(__file__).parent, Path(__file__).parents[3]
SPEC = HERE / "spec.yaml"
NAME = "pose_classification_tao"
TESTS = {
    "all sources, as they are": "test",
    **{f"{source}, as it is": f"test_{source}" for source in DATA_SETS},
    "all sources, all 34 joints": "test_all_joints",
    "windows of 30 frames": "test_30_frames",
    "windows of 60 frames": "test_60_frames",
    "windows of 100 frames": "test_100_frames",
    "windows of up to 300 frames": "test_300_frames",
}
log = logging.getLogger(__name__)


def overrides(arrays: Path, results: Path) -> list[str]:
    """Return the options of the spec that depend on where things are."""
    return [
        f"results_dir={results}",
        *(
            f"dataset.{part}_dataset.{kind}_path={arrays / f'{part}.{suffix}'}"
            for part in ("train", "val")
            for kind, suffix in (("data", "npy"), ("label", "json"))
        ),
    ]


def task(name: str, *options: str) -> None:
    """Run a task of the trainer.

    Raises:
        InputError: it failed; it has said why.
    """
    code = pose_classification([name, "-e", str(SPEC), *options])
    if code:
        raise InputError(f"{name} ended with exit code {code}; see above")


def fitted_temperature(checkpoint: Path, spec: ExperimentSpec, arrays: Path) -> float:
    """Return the temperature that calibrates a checkpoint on the validation data."""
    predictor = load_predictor(checkpoint, spec, torch.device("cpu"))
    sequences = np.load(arrays / "val.npy", mmap_mode="r", allow_pickle=False)
    truth = read_labels(arrays / "val.json").ids
    return fit_temperature(logits_of(predictor, sequences), truth)


def training_minutes(status: Path) -> float:
    """Return how long the epochs took that the trainer has written down."""
    lines = [json.loads(line) for line in status.read_text(encoding="utf-8").splitlines()]
    epochs = {line["epoch"]: line["time_per_epoch"] for line in lines if "time_per_epoch" in line}
    times = [[float(part) for part in text.split(":")] for text in epochs.values()]
    return sum(60 * hours + minutes + seconds / 60 for hours, minutes, seconds in times)


@dataclass(frozen=True)
class Paths:
    """Where things are and go.

    Attributes:
        data: folder of the three data sets.
        results: folder for arrays, checkpoints and figures.
        model: the ONNX file to write.
        card: the model card to update.
    """

    data: Path
    results: Path
    model: Path
    card: Path


def run(paths: Paths, windows: int = WINDOWS, more: Sequence[str] = ()) -> None:
    """Make, train, export and measure.

    Args:
        paths: where things are and go.
        windows: training windows.
        more: options that differ from the spec, ``section.option=value``.

    Raises:
        InputError: data are missing, or a step failed.
    """
    arrays, model = paths.results / "arrays", paths.model
    manifest: Any = make(paths.data, arrays, windows)
    options = [*overrides(arrays, paths.results), *more]
    spec = load_spec(SPEC, ExperimentSpec, options)
    task("train", *options)
    checkpoint = paths.results / "train" / "pc_model_latest.pth"
    temperature = fitted_temperature(checkpoint, spec, arrays)
    task(
        "export",
        *options,
        f"export.checkpoint={checkpoint}",
        f"export.onnx_file={model}",
        f"export.temperature={temperature}",
        "export.overwrite=true",
    )
    predictor = load_predictor(model, spec, torch.device("cpu"))
    measured = {
        name: evaluate_array(predictor, arrays / f"{file}.npy") for name, file in TESTS.items()
    }
    cue = sensor_cue(predictor, read_clips(paths.data))
    sidecar = json.loads(model.with_suffix(".json").read_text(encoding="utf-8"))
    facts = {
        "file": f"`{model.name}`, {model.stat().st_size / 1e6:.2f} MB, "
        f"SHA-256 `{sidecar['onnx_sha256']}`",
        "training data": f"{manifest['training_windows']} windows, "
        f"SHA-256 `{sidecar['train_digest']}`",
        "seeds": f"data {SEED}, training {spec.train.seed}",
        "training": f"{spec.train.num_epochs} epochs, "
        f"{training_minutes(paths.results / 'train' / 'status.json'):.0f} minutes",
        "temperature": f"{temperature}",
    }
    text = render(facts, manifest["runs"], measured, cue)
    write_atomic(paths.results / "figures.json", json.dumps(figures_json(measured, cue)).encode())
    picture = paths.card.parents[1] / "images" / f"{NAME}_confusion.png"
    picture.parent.mkdir(parents=True, exist_ok=True)
    save_confusion(measured["all sources, as they are"].confusion, CLASSES, picture)
    update_card(paths.card, text)
    sys.stdout.write(text + "\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="training.recipes.six_class", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the three data sets")
    parser.add_argument("--results", type=Path, default=ROOT / "results" / "six_class")
    parser.add_argument(
        "--model", type=Path, default=ROOT / "model_repository" / NAME / "1" / "model.onnx"
    )
    parser.add_argument("--card", type=Path, default=ROOT / "docs" / "model_cards" / f"{NAME}.md")
    parser.add_argument("--windows", type=int, default=WINDOWS, help="training windows")
    parser.add_argument(
        "overrides", nargs="*", metavar="section.option=value", help="changes of spec.yaml"
    )
    given = parser.parse_args(argv)
    try:
        paths = Paths(given.data, given.results, given.model, given.card)
        run(paths, given.windows, given.overrides)
    except InputError as error:
        log.error("%s", error)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
