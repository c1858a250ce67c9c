"""The command `bpnet`, with the flags of TAO's BodyPoseNet."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from training.bpnet.spec import TrainSpec
from training.common.outcome import Parser, exit_code, recorded
from training.common.results import open_folder
from training.common.spec import load_spec, require

_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_TITLE = "BodyPoseNet"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one task; returns the exit code."""
    return exit_code("bpnet", lambda: _dispatch(list(sys.argv[1:] if argv is None else argv)))


def _dispatch(argv: Sequence[str]) -> int:
    arguments = _parser().parse_args(argv)
    logging.basicConfig(format="%(asctime)s [%(levelname)s] %(message)s")
    logging.getLogger().setLevel(arguments.log_level)
    task: Callable[[argparse.Namespace], None] = arguments.task
    task(arguments)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="bpnet", description="BodyPoseNet: 2D poses of several people.")
    tasks = parser.add_subparsers(required=True, metavar="TASK", title="tasks")
    common = Parser(add_help=False)
    common.add_argument("-ll", "--log_level", choices=_LEVELS, default="INFO", help="default INFO")
    for name, add in (("dataset_convert", _add_convert), ("train", _add_train)):
        doc = (add.__doc__ or "").strip()
        add(tasks.add_parser(name, help=doc, description=doc, parents=[common]))
    return parser


def _add_convert(parser: argparse.ArgumentParser) -> None:
    """Make training records and masks from COCO annotations."""
    parser.set_defaults(task=_convert)
    parser.add_argument("-d", "--dataset_spec", required=True, help="coco_spec.json")
    parser.add_argument("-o", "--output_filename", required=True, help="start of the files' names")
    parser.add_argument("-m", "--mode", choices=("train", "test"), default="train", help="split")
    parser.add_argument("-p", "--num_partitions", type=_at_least(1), default=1, help="folds")
    parser.add_argument("-s", "--num_shards", type=_at_least(0), default=0, help="files per fold")
    parser.add_argument("--generate_masks", action="store_true", help="write the loss masks too")
    parser.add_argument("--check_files", action="store_true", help="decode every file in full")
    parser.add_argument("--compat", action="store_true", help="repeat the reference's bugs")
    parser.add_argument("-r", "--results_dir", help="of status.json; default: beside the records")


def _convert(arguments: argparse.Namespace) -> None:
    from training.bpnet.dataset_convert import convert
    from training.bpnet.dataset_spec import load_dataset_spec

    output = Path(arguments.output_filename)
    results = open_folder(Path(arguments.results_dir or output.parent))
    with recorded(results.status, _TITLE, "dataset_convert"):
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


def _add_train(parser: argparse.ArgumentParser) -> None:
    """Train, or go on with an interrupted training."""
    parser.set_defaults(task=_train)
    parser.add_argument("-e", "--experiment_spec_file", required=True, help="train spec (YAML)")
    parser.add_argument("-r", "--results_dir", help="results; default: the spec's checkpoint_dir")
    parser.add_argument("-k", "--key", help="encrypts checkpoints and the model")
    parser.add_argument("--gpus", type=_at_least(1), default=1, help="processes")
    parser.add_argument(
        "overrides", nargs="*", metavar="section.option=value", help="set options of the spec"
    )


def _train(arguments: argparse.Namespace) -> None:
    from training.bpnet.train import run

    overrides = list(arguments.overrides)
    if arguments.results_dir:
        overrides.append(f"checkpoint_dir={arguments.results_dir}")
    spec = load_spec(arguments.experiment_spec_file, TrainSpec, overrides)
    folder = Path(require(spec, "checkpoint_dir"))
    results = open_folder(folder, spec.model_dump(mode="json"))
    with recorded(results.status, _TITLE, "train"):
        run(spec, results, arguments.key, arguments.gpus)


def _at_least(least: int) -> Callable[[str], int]:
    def integer(text: str) -> int:
        value = int(text)
        if value < least:
            raise ValueError(text)
        return value

    return integer
