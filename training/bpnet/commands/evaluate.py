"""`bpnet evaluate`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from training.bpnet.commands.common import TITLE, add_model, open_model
from training.common.outcome import recorded
from training.common.results import open_folder
from training.common.status import Status


def add(parser: argparse.ArgumentParser) -> None:
    """Measure COCO's average precision and recall on the test split."""
    parser.set_defaults(task=run)
    add_model(parser)
    parser.add_argument(
        "-d", "--dataset_spec", required=True, help="dataset spec (JSON), as coco_spec.json"
    )
    parser.add_argument(
        "--dataset", choices=("coco",), default="coco", help="format of the annotations"
    )


def run(arguments: argparse.Namespace) -> None:
    """Evaluate, and print the figures."""
    from training.bpnet.dataset_spec import load_dataset_spec
    from training.bpnet.evaluate import evaluate

    results = open_folder(Path(arguments.results_dir))
    with recorded(results.status, TITLE, "evaluate"):
        dataset = load_dataset_spec(arguments.dataset_spec)
        predictor, spec = open_model(arguments)
        outcome = evaluate(predictor, spec, dataset, results.path)
        message = "Evaluation metrics generated."
        results.status.write(Status.RUNNING, message, kpi=outcome.scores)
    lines = [f"{name:22} {score:8.4f}" for name, score in outcome.scores.items()]
    lines.append(f"{outcome.images} images, {outcome.unreadable} unreadable")
    sys.stdout.write("\n".join(lines) + "\n")
