"""`bpnet train`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from training.bpnet.commands.common import TITLE, at_least
from training.bpnet.spec import TrainSpec
from training.common.outcome import recorded
from training.common.results import is_main_process, open_folder
from training.common.spec import load_spec, require


def add(parser: argparse.ArgumentParser) -> None:
    """Train a network, or resume an interrupted training."""
    parser.set_defaults(task=run)
    parser.add_argument("-e", "--experiment_spec_file", required=True, help="train spec (YAML)")
    parser.add_argument(
        "-r", "--results_dir", help="folder for the results; default: the spec's checkpoint_dir"
    )
    parser.add_argument("-k", "--key", help="key to encrypt checkpoints and the model with")
    parser.add_argument(
        "--gpus",
        type=at_least(1),
        default=1,
        help="processes to train with, one for each GPU (default %(default)s)",
    )
    parser.add_argument(
        "overrides", nargs="*", metavar="section.option=value", help="set an option of the spec"
    )


def run(arguments: argparse.Namespace) -> None:
    """Train."""
    from training.bpnet.train import FINAL
    from training.bpnet.train import run as train

    overrides = list(arguments.overrides)
    if arguments.results_dir:
        overrides.append(f"checkpoint_dir={arguments.results_dir}")
    spec = load_spec(arguments.experiment_spec_file, TrainSpec, overrides)
    results = open_folder(Path(require(spec, "checkpoint_dir")))
    with recorded(results.status, TITLE, "train"):
        train(spec, results, arguments.key, arguments.gpus)
    if is_main_process():
        sys.stdout.write(f"{results.path / FINAL}\n")
