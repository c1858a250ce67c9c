"""`bpnet prune`."""

from __future__ import annotations

import argparse
import math
import sys
from pathlib import Path

from converter import InputError
from training.bpnet.commands.common import TITLE, at_least
from training.common.outcome import recorded
from training.common.results import open_folder


def add(parser: argparse.ArgumentParser) -> None:
    """Make a trained model smaller by removing the filters with the smallest norms."""
    parser.set_defaults(task=run)
    parser.add_argument("-m", "--model", required=True, help="trained model")
    parser.add_argument("-o", "--output_file", required=True, help="pruned model (.pth)")
    parser.add_argument("-k", "--key", help="encryption key of both files, if they are encrypted")
    parser.add_argument(
        "-n",
        "--normalizer",
        choices=("max", "L2"),
        default="max",
        help="what the norms of a layer's filters are divided by: the largest of them, or the L2 "
        "norm of all (default %(default)s)",
    )
    parser.add_argument(
        "-eq",
        "--equalization_criterion",
        choices=("arithmetic_mean", "geometric_mean", "union", "intersection"),
        default="union",
        help="how layers that must keep the same channels agree: a channel stays if it passes in "
        "any of them (union) or in all (intersection), or by the mean of its norms "
        "(default %(default)s)",
    )
    parser.add_argument(
        "-pg",
        "--pruning_granularity",
        type=at_least(1),
        default=8,
        help="filters are kept in multiples of this number (default %(default)s)",
    )
    parser.add_argument(
        "-pth",
        "--pruning_threshold",
        type=_threshold,
        default=0.1,
        help="filters whose normalised norm is not above this are removed (default %(default)s)",
    )
    parser.add_argument(
        "-nf",
        "--min_num_filters",
        type=at_least(1),
        default=16,
        help="least number of filters that a layer keeps (default %(default)s)",
    )
    parser.add_argument(
        "-el",
        "--excluded_layers",
        nargs="*",
        default=[],
        metavar="LAYER",
        help="layers to leave as they are; a wrong name lists the right ones",
    )
    parser.add_argument(
        "-r", "--results_dir", help="folder for status.json; default: that of the output"
    )
    parser.add_argument(
        "-v", "--verbose", action="store_true", help="list how many filters each layer keeps"
    )


def _threshold(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number from 0 up")
    return value


def run(arguments: argparse.Namespace) -> None:
    """Prune, and print the sizes."""
    from training.bpnet.model import count_parameters
    from training.bpnet.prune import PruneOptions, giga_macs, prune
    from training.bpnet.saved_model import load_model, save_model

    output = Path(arguments.output_file)
    output = output if output.suffix == ".pth" else output.with_name(f"{output.name}.pth")
    if output.resolve() == Path(arguments.model).resolve():
        raise InputError(f"{output}: would be replaced, but it is read; give another name")
    results = open_folder(Path(arguments.results_dir or output.parent))
    options = PruneOptions(
        arguments.pruning_threshold,
        arguments.normalizer,
        arguments.equalization_criterion,
        arguments.pruning_granularity,
        arguments.min_num_filters,
        arguments.excluded_layers,
    )
    with recorded(results.status, TITLE, "prune"):
        model, info = load_model(Path(arguments.model), arguments.key)
        pruned, narrow = prune(model, info, options)
        save_model(output, pruned, narrow, arguments.key)
    if arguments.verbose:
        sys.stdout.writelines(f"{name}: {width}\n" for name, width in narrow.widths.items())
    before, after = count_parameters(model), count_parameters(pruned)
    sys.stdout.write(
        f"parameters {before:,} -> {after:,} (ratio {after / before:.4f}), "
        f"GMAC at 256x256 {giga_macs(info):.2f} -> {giga_macs(narrow):.2f}\n{output}\n"
    )
