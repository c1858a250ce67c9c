"""Make the arrays of the six-class model: ``python -m training.recipes.six_class.make_data``.

Into ``--output`` go, each with its labels (``.json``):

* ``train.npy``: windows of up to 100 frames, classes in equal numbers and an eighth of actions of
  no class, augmented;
* ``val.npy``: runs and windows of the validation clips, not augmented, 100 frames at most;
* ``test.npy`` and ``test_<source>.npy``: the labelled runs of the held-out people as they are,
  with the joints that their source has;
* ``test_known.npy``: those of them that come from actions of the six classes, and so not from
  clips that are as a whole of no class;
* ``test_all_joints.npy``: all with the other joints estimated;
* ``test_<T>_frames.npy``: windows of the length that a client cuts;

and ``manifest.json``: how many clips, runs and windows there are, and what they were made of.
On one kind of processor, the same data and seed give the same bytes. For the pose types ``2dbp``
and ``25dbp`` all motions are photographed by random cameras. A data set that is left out is for
testing alone, with everybody in it.
"""

import argparse
import hashlib
import json
import logging
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from converter import ConvertConfig
from converter.atomic import check_place
from converter.command_line import Parser
from converter.config import POSE_TYPES
from training.common.outcome import exit_code
from training.common.results import write_atomic
from training.recipes.six_class.arrays import Row, write_rows
from training.recipes.six_class.augment import augment
from training.recipes.six_class.background import background_rows, others
from training.recipes.six_class.cameras import keypoints
from training.recipes.six_class.labelled import SHORTEST, Labelled, label_clips, segments
from training.recipes.six_class.pool import SOURCE_WEIGHTS, WindowPool
from training.recipes.six_class.rules import CLASSES
from training.recipes.six_class.sources import DATA_SETS, read_clips
from training.recipes.six_class.split import SPLITS, Split, split_of

SEED = 20240
WINDOWS, UNKNOWN_SHARE = 14400, 1 / 8
TRAIN_FRAMES, TEST_FRAMES, TEST_WINDOWS = 100, 300, 300
LENGTHS = {100: 0.35, 60: 0.15, 30: 0.1}
"""Frames that clients often cut, and how often; else any number up to ``TRAIN_FRAMES``."""
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Plan:
    """What to make.

    Attributes:
        pose_type: ``3dbp``, ``25dbp`` or ``2dbp``.
        left_out: a data set to leave out of training and validation.
        windows: training windows; 0: no ``train.npy``.
        seed: seed of everything random.
    """

    pose_type: str = ConvertConfig.pose_type
    left_out: str | None = None
    windows: int = WINDOWS
    seed: int = SEED


def random_length(rng: np.random.Generator) -> int:
    """Return the number of frames of a training window."""
    length = int(rng.choice([*LENGTHS, 0], p=[*LENGTHS.values(), 1 - sum(LENGTHS.values())]))
    return length or int(rng.integers(SHORTEST, TRAIN_FRAMES + 1))


def training_rows(
    items: Sequence[Labelled], count: int, pose_type: str, rng: np.random.Generator
) -> list[Row]:
    """Draw augmented windows of any length, the classes that somebody shows in turn."""
    pool, rows = WindowPool(items), []
    for index in range(count):
        label = pool.labels[index % len(pool.labels)]
        person, window = pool.draw(label, random_length(rng), rng, vary=True)
        rows.append(Row(f"{person} {index}", label, augment(window, pose_type, rng)))
    return rows


def plain_rows(
    items: Sequence[Labelled], count: int, length: int, rng: np.random.Generator
) -> list[Row]:
    """Draw windows of one length as they are, the classes that somebody shows in turn."""
    pool, rows = WindowPool(items), []
    for index in range(count):
        label = pool.labels[index % len(pool.labels)]
        person, window = pool.draw(label, length, rng, vary=False)
        rows.append(Row(f"{person} {index}", label, window))
    return rows


def make(data: Path, output: Path, plan: Plan | None = None) -> dict[str, object]:
    """Make all arrays and the manifest.

    Args:
        data: folder of the three data sets.
        output: folder to write into; made if missing.
        plan: what to make; None: the plan of the shipped model.

    Returns:
        The manifest.

    Raises:
        InputError: a data set is missing, or the folder cannot be written to.
    """
    plan = plan or Plan()
    check_place(output / "manifest.json")
    clips = list(read_clips(data))
    items = label_clips(clips, plan.left_out)
    output.mkdir(parents=True, exist_ok=True)
    by_split = {split: [item for item in items if item.split == split] for split in SPLITS}
    rng = np.random.default_rng((plan.seed, 1))
    train, val, test = by_split["train"], by_split["val"], by_split["test"]

    def write(name: str, rows: Sequence[Row], frames: int) -> None:
        seen = [row._replace(motion=keypoints(row.motion, plan.pose_type, rng)) for row in rows]
        write_rows(output / f"{name}.npy", seen, frames, pose_type=plan.pose_type)

    if plan.windows:
        own_rng = np.random.default_rng(plan.seed)  # the others do not depend on `windows`
        unknown = round(plan.windows * UNKNOWN_SHARE)
        windows = training_rows(train, plan.windows - unknown, plan.pose_type, own_rng)
        windows += background_rows(
            others(clip for clip in clips if split_of(clip, plan.left_out) == "train"),
            *(unknown, TRAIN_FRAMES, plan.pose_type, own_rng),
        )
        write_rows(output / "train.npy", windows, TRAIN_FRAMES, pose_type=plan.pose_type)
    plain = segments(val, whole=False)
    write("val", plain + plain_rows(val, len(plain), TRAIN_FRAMES, rng), TRAIN_FRAMES)
    write("test", segments(test, whole=False), TEST_FRAMES)
    known = [item for item in test if item.clip.action != "other"]
    write("test_known", segments(known, whole=False), TEST_FRAMES)
    write("test_all_joints", segments(test, whole=True), TEST_FRAMES)
    for source in SOURCE_WEIGHTS:
        of_source = [item for item in test if item.clip.source == source]
        write(f"test_{source}", segments(of_source, whole=False), TEST_FRAMES)
    for length in sorted({*LENGTHS, TEST_FRAMES}):
        write(f"test_{length}_frames", plain_rows(test, TEST_WINDOWS, length, rng), TEST_FRAMES)
    manifest = _manifest(data, by_split, plan)
    content = json.dumps(manifest, indent=2) + "\n"
    write_atomic(output / "manifest.json", content.encode())
    return manifest


def _manifest(data: Path, by_split: dict[Split, list[Labelled]], plan: Plan) -> dict[str, object]:
    runs: dict[str, dict[str, dict[str, int]]] = {}
    for split, items in by_split.items():
        for source in SOURCE_WEIGHTS:
            counts = Counter(
                run.label for item in items if item.clip.source == source for run in item.runs
            )
            runs.setdefault(split, {})[source] = {name: counts[name] for name in CLASSES}
    files = [data_set.file for data_set in DATA_SETS.values()]
    digests = {name: hashlib.sha256((data / name).read_bytes()).hexdigest() for name in files}
    return {**asdict(plan), "runs": runs, "sha256": digests}


def add_plan(parser: argparse.ArgumentParser) -> None:
    """Add the options of a plan to a command line."""
    parser.add_argument(
        "--pose-type",
        choices=list(POSE_TYPES),
        default=Plan.pose_type,
        help="poses to train on (default %(default)s)",
    )
    parser.add_argument(
        "--leave-out", choices=list(DATA_SETS), help="data set to test on and not to train on"
    )
    parser.add_argument(
        "--windows",
        type=int,
        default=WINDOWS,
        metavar="N",
        help="number of training windows (default %(default)s)",
    )
    parser.add_argument(
        "--seed", type=int, default=SEED, help="seed of the windows (default %(default)s)"
    )


def plan_of(options: argparse.Namespace) -> Plan:
    """Return the plan that a command line asks for."""
    return Plan(options.pose_type, options.leave_out, options.windows, options.seed)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    return exit_code("make_data", lambda: _run(argv))


def _run(argv: Sequence[str] | None) -> int:
    parser = Parser(
        prog="six_class.make_data",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with the three data sets")
    parser.add_argument("--output", type=Path, required=True, help="folder for the arrays")
    add_plan(parser)
    options = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    manifest = make(options.data, options.output, plan_of(options))
    log.info("%s", json.dumps(manifest["runs"], indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
