"""`bpnet dataset_convert`."""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path

from training.bpnet.commands.common import TITLE, at_least
from training.common.outcome import recorded
from training.common.results import open_folder


def add(parser: argparse.ArgumentParser) -> None:
    """Make training records and masks from COCO annotations."""
    parser.set_defaults(task=run)
    parser.add_argument(
        "-d", "--dataset_spec", required=True, help="dataset spec (JSON), as coco_spec.json"
    )
    parser.add_argument(
        "-o",
        "--output_filename",
        required=True,
        help="path that the names of the record files begin with",
    )
    parser.add_argument(
        "-m",
        "--mode",
        choices=("train", "test"),
        default="train",
        help="split of the data set to convert (default %(default)s)",
    )
    parser.add_argument(
        "-p",
        "--num_partitions",
        type=at_least(1),
        default=1,
        help="folds to deal the records out to (default %(default)s)",
    )
    parser.add_argument(
        "-s",
        "--num_shards",
        type=at_least(0),
        default=0,
        help="files in a fold; 0: one, without a shard number in its name (default %(default)s)",
    )
    parser.add_argument("--generate_masks", action="store_true", help="also write the loss masks")
    parser.add_argument(
        "--check_files", action="store_true", help="decode every image and mask to find damage"
    )
    parser.add_argument(
        "--compat", action="store_true", help="repeat TAO's known bugs, to compare with its output"
    )
    parser.add_argument(
        "-r", "--results_dir", help="folder for status.json; default: that of the records"
    )


def run(arguments: argparse.Namespace) -> None:
    """Convert, and say what was skipped."""
    from training.bpnet.dataset_convert import convert
    from training.bpnet.dataset_spec import load_dataset_spec

    output = Path(arguments.output_filename)
    results = open_folder(Path(arguments.results_dir or output.parent))
    with recorded(results.status, TITLE, "dataset_convert"):
        summary = convert(
            load_dataset_spec(arguments.dataset_spec),
            arguments.mode,
            output,
            arguments.num_partitions,
            arguments.num_shards,
            arguments.generate_masks,
            arguments.check_files,
            arguments.compat,
        )
    for line in summary.skipped:
        logging.getLogger(__name__).warning("skipped %s", line)
    sys.stdout.write(
        f"{summary.records} records of {summary.images} images, {summary.masks} masks, "
        f"{len(summary.skipped)} damaged entries skipped\n"
    )
    sys.stdout.write("".join(f"{path}\n" for path in summary.files))
