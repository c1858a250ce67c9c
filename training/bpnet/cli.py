"""The command `bpnet`, with the flags of TAO's BodyPoseNet."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Callable, Sequence

from converter.command_line import Parser
from training.bpnet.commands import (
    dataset_convert,
    evaluate,
    export,
    gen_trt_engine,
    inference,
    prune,
    train,
)
from training.common.outcome import exit_code

_TASKS = (dataset_convert, train, evaluate, inference, prune, export, gen_trt_engine)
_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


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
    common.add_argument(
        "-ll",
        "--log_level",
        choices=_LEVELS,
        default="INFO",
        help="what to log (default %(default)s)",
    )
    for module in _TASKS:
        name = module.__name__.rpartition(".")[2]
        doc = (module.add.__doc__ or "").strip()
        module.add(tasks.add_parser(name, help=doc, description=doc, parents=[common]))
    return parser
