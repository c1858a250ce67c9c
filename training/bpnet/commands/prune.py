"""`bpnet prune`."""

from __future__ import annotations

import argparse
import math
import sys
from pathlib import Path

from training.bpnet.commands.common import TITLE, at_least
from training.common.outcome import recorded
from training.common.results import open_folder


def add(parser: argparse.ArgumentParser) -> None:
    """Leave out the filters with the smallest kernels."""
    parser.set_defaults(task=run)
    parser.add_argument("-m", "--model", required=True, help="trained model")
    parser.add_argument("-o", "--output_file", required=True, help="pruned model (.pth)")
    parser.add_argument("-k", "--key", help="of both files")
    parser.add_argument("-n", "--normalizer", choices=("max", "L2"), default="max", help="of norms")
    parser.add_argument(
        "-eq",
        "--equalization_criterion",
        choices=("arithmetic_mean", "geometric_mean", "union", "intersection"),
        default="union",
        help="of layers that share channels",
    )
    parser.add_argument("-pg", "--pruning_granularity", type=at_least(1), default=8, help="step")
    parser.add_argument(
        "-pth", "--pruning_threshold", type=_threshold, default=0.1, help="of norms"
    )
    parser.add_argument("-nf", "--min_num_filters", type=at_least(1), default=16, help="per layer")
    parser.add_argument("-el", "--excluded_layers", nargs="*", default=[], help="left alone")
    parser.add_argument("-r", "--results_dir", help="of status.json; default: beside the output")
    parser.add_argument("-v", "--verbose", action="store_true", help="list the layers' widths")


def _threshold(text: str) -> float:
    value = float(text)
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"{text} must be a number from 0 on")
    return value


def run(arguments: argparse.Namespace) -> None:
    """Prune, and print the sizes."""
    from training.bpnet.model import count_parameters
    from training.bpnet.prune import PruneOptions, giga_macs, prune
    from training.bpnet.saved_model import load_model, save_model

    output = Path(arguments.output_file)
    output = output if output.suffix == ".pth" else output.with_name(f"{output.name}.pth")
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
