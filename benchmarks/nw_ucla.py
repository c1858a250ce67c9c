"""NW-UCLA cross-view: train the shipped specs, evaluate, keep every result.

    python benchmarks/nw_ucla.py --data DIR                  # all recipes, seeds 1 and 2
    python benchmarks/nw_ucla.py --data DIR --recipes strong --seeds 1 2 3 --streams joint bone
    python benchmarks/nw_ucla.py --data DIR --recipes views --seeds 1 --fuse     # four streams

DIR holds ``nw_ucla_json.zip``, all sequences as JSON. Runs that are in the results file, which at
first holds those of the documentation, are not repeated; one that was interrupted goes on where it
was. ``--validation`` trains on view 1 and tests on view 2, and the other way round, for choosing
options without a look at the test view.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import statistics
import sys
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from converter.atomic import check_place
from training.common.results import write_atomic
from training.common.status import training_minutes
from training.common.version import program_version
from training.pose_classification.callbacks import LATEST
from training.pose_classification.cli import main as pose_classification
from training.pose_classification.importers.__main__ import main as import_data
from training.pose_classification.importers.nw_ucla import ACTIONS
from training.pose_classification.labels import read_labels
from training.pose_classification.metrics import evaluate_logits, softmax
from training.pose_classification.streams import Stream

ROOT = Path(__file__).resolve().parents[1]
SPECS = ROOT / "training" / "pose_classification" / "specs"
RESULTS = ROOT / "benchmarks" / "results" / "nw_ucla.json"
ARCHIVE = "nw_ucla_json.zip"
# What the importer does for each. One sequence in twenty is longer than 100 frames.
RECIPES = {"tao": ("--relative", "--max-frames", "100"), "strong": (), "views": ()}
STREAMS: tuple[str, ...] = get_args(Stream)
FUSED = "fused"
WIDTH = 110  # of tables that go to a file or a pipe
LONGEST_NAME = 240  # characters of a folder's name; file systems take 255
FIGURES = (
    "accuracy",
    "average_class_accuracy",
    "macro_f1",
    "expected_calibration_error",
)


@dataclass(frozen=True)
class Run:
    """One line of the table.

    Attributes:
        recipe: ``tao``, ``strong`` or ``views``; the spec is ``nw_ucla_<recipe>.yaml``.
        stream: What the network is fed; `fused` for the mean of all four.
        seed: Seed of the training.
        split: ``cross-view``, ``validation`` or ``validation-reverse``.
        overrides: Options that differ from the spec.
    """

    recipe: str
    stream: str
    seed: int
    split: str
    overrides: tuple[str, ...]

    @property
    def name(self) -> str:
        """Name of its folder."""
        changes = [change.replace("/", "_") for change in self.overrides]
        name = "-".join([self.recipe, self.stream, f"seed{self.seed}", self.split, *changes])
        if len(name) <= LONGEST_NAME:
            return name
        digest = hashlib.sha256(name.encode()).hexdigest()[:16]
        return f"{name[: LONGEST_NAME - len(digest) - 1]}-{digest}"

    def done_in(self, results: list[dict[str, Any]]) -> bool:
        """Whether its result is known."""
        own = json.loads(json.dumps(asdict(self)))
        return any(own.items() <= result.items() for result in results)


def prepare(archive: Path, run: Run, work: Path) -> Path:
    """Import the data of a run where that has not been done; returns its folder."""
    folder = work / f"data-{run.recipe}-{run.split}"
    if not (folder / "label_map.yaml").exists():
        options = ["--split", run.split, *RECIPES[run.recipe]]
        check(import_data(["nw-ucla", str(archive), "-o", str(folder), *options]))
    return folder


def perform(run: Run, data: Path, work: Path) -> dict[str, Any]:
    """Train and evaluate; returns the figures."""
    spec = SPECS / f"nw_ucla_{run.recipe}.yaml"
    test = [f"data_path={data}/val.npy", f"label_path={data}/val_labels.json"]
    train = [f"data_path={data}/train.npy", f"label_path={data}/train_labels.json"]
    common = [
        "-e",
        str(spec),
        f"results_dir={work / run.name}",
        f"dataset.stream={run.stream}",
        f"train.seed={run.seed}",
        *run.overrides,
    ]
    check(
        pose_classification(
            [
                "train",
                *common,
                *[f"dataset.train_dataset.{option}" for option in train],
                *[f"dataset.val_dataset.{option}" for option in test],
            ]
        )
    )
    checkpoint = work / run.name / "train" / LATEST
    check(
        pose_classification(
            [
                "evaluate",
                *common,
                f"evaluate.checkpoint={checkpoint}",
                *[f"evaluate.test_dataset.{option}" for option in test],
            ]
        )
    )
    metrics = json.loads((work / run.name / "evaluate" / "metrics.json").read_text())
    minutes = training_minutes(work / run.name / "train" / "status.json")
    return result(run, metrics, round(minutes, 1))


def fuse(run: Run, data: Path, work: Path) -> dict[str, Any]:
    """Average the probabilities of the four streams, all alike; returns the figures."""
    folders = [work / replace(run, stream=stream).name / "evaluate" for stream in STREAMS]
    logits = [np.load(folder / "logits.npy", allow_pickle=False) for folder in folders]
    mean = np.mean([softmax(stream) for stream in logits], axis=0)
    truth = read_labels(data / "val_labels.json").ids
    metrics = evaluate_logits(np.log(mean).astype(np.float32), truth).as_dict(
        tuple(ACTIONS.values())
    )
    return result(run, metrics, 0.0)


def result(run: Run, metrics: Mapping[str, Any], minutes: float) -> dict[str, Any]:
    """A line of the results file."""
    figures = {name: round(float(metrics[name]), 5) for name in FIGURES}
    return {**asdict(run), **figures, "minutes": minutes, "version": program_version()}


def to_do(runs: Sequence[Run], results: list[dict[str, Any]], work: Path) -> list[Run]:
    """Return the runs without a result, and those whose logits one of them lacks for fusing."""
    missing = [run for run in runs if not run.done_in(results)]
    fused = [run for run in missing if run.stream == FUSED]
    return [
        run
        for run in runs
        if run in missing
        or (
            replace(run, stream=FUSED) in fused
            and not (work / run.name / "evaluate" / "logits.npy").is_file()
        )
    ]


def check(code: int) -> None:
    """Stop where a task has failed; it has said why."""
    if code:
        sys.exit(code)


def show(results: list[dict[str, Any]]) -> None:
    """Print all results: a table for each split, under it what was changed in the numbered runs."""
    console = Console(width=None if sys.stdout.isatty() else WIDTH, highlight=False)
    for split, runs in grouped(results, lambda run: run["split"]).items():
        table = Table(title=f"NW-UCLA {split}, in percent", title_justify="left", box=SIMPLE_HEAD)
        for name in ("recipe", "changes", "stream", "seed"):
            table.add_column(name)
        for name in ("accuracy", "class average", "F1", "ECE", "minutes"):
            table.add_column(name, justify="right")
        legend = Table.grid(padding=(0, 1))
        legend.add_row()
        for changes, alike in grouped(runs, lambda run: " ".join(run["overrides"])).items():
            number = str(legend.row_count) if changes else ""
            if changes:
                legend.add_row(number, Text(changes, overflow="fold"))
            add_lines(table, number, alike)
        console.print(table, legend)


def grouped(
    runs: Sequence[dict[str, Any]], key: Callable[[dict[str, Any]], Hashable]
) -> dict[Any, list[dict[str, Any]]]:
    """Runs of the same key together, in the order in which the keys come."""
    groups: dict[Any, list[dict[str, Any]]] = {}
    for run in runs:
        groups.setdefault(key(run), []).append(run)
    return groups


def add_lines(table: Table, number: str, runs: Sequence[dict[str, Any]]) -> None:
    """Add runs of the same changes, and the mean of those that differ in the seed alone."""
    for (recipe, stream), seeds in grouped(runs, lambda r: (r["recipe"], r["stream"])).items():
        for run in seeds:
            figures = [f"{100 * run[name]:.2f}" for name in FIGURES]
            table.add_row(recipe, number, stream, str(run["seed"]), *figures, str(run["minutes"]))
        if len(seeds) > 1:
            means = [over_seeds(seeds, name) for name in FIGURES]
            table.add_row(recipe, number, stream, "mean", *means)


def over_seeds(runs: Sequence[Mapping[str, Any]], figure: str) -> str:
    """Mean and standard deviation of a figure, in percent."""
    values = [100 * run[figure] for run in runs]
    return f"{statistics.mean(values):.1f} ± {statistics.stdev(values):.1f}"


def main(argv: Sequence[str] | None = None) -> None:
    """Run what is missing, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help=f"folder with {ARCHIVE}")
    parser.add_argument("--recipes", nargs="+", choices=RECIPES, default=list(RECIPES))
    parser.add_argument("--streams", nargs="+", choices=STREAMS, default=["joint"])
    parser.add_argument("--fuse", action="store_true", help="all four streams, and their mean")
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2])
    parser.add_argument(
        "--validation", action="store_true", help="views 1 and 2, one against the other"
    )
    parser.add_argument("--set", nargs="+", default=[], metavar="OPTION=VALUE", dest="overrides")
    parser.add_argument("--work", type=Path, default=ROOT / "outputs" / "nw_ucla")
    parser.add_argument(
        "--results", type=Path, default=RESULTS, help="what is in this file is not run again"
    )
    given = parser.parse_args(argv)
    if not (given.data / ARCHIVE).is_file():
        parser.error(f"{given.data / ARCHIVE}: no such file")
    results: list[dict[str, Any]] = []
    try:
        check_place(given.results)
        if given.results.exists():
            results = json.loads(given.results.read_text(encoding="utf-8"))
    except ValueError as error:
        parser.error(f"{given.results}: cannot hold the results ({error}); name another --results")
    splits = ("validation", "validation-reverse") if given.validation else ("cross-view",)
    runs = [
        Run(recipe, stream, seed, split, tuple(given.overrides))
        for seed, split in itertools.product(given.seeds, splits)
        for recipe in given.recipes
        for stream in ((*STREAMS, FUSED) if given.fuse else given.streams)
    ]
    missing = to_do(runs, results, given.work)
    for run in missing:
        data = prepare(given.data / ARCHIVE, run, given.work)
        figures = (fuse if run.stream == FUSED else perform)(run, data, given.work)
        if not run.done_in(results):
            results.append(figures)
        write_atomic(given.results, (json.dumps(results, indent=1) + "\n").encode())
    show(results)
    if known := len(runs) - len(missing):
        sys.stdout.write(
            f"{known} of {len(runs)} runs were known from {given.results}; name another --results "
            "to run them here\n"
        )


if __name__ == "__main__":
    main()
