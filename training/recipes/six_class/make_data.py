"""Make the arrays of the six-class model: ``python -m training.recipes.six_class.make_data``.

Into ``--output`` go, each with its labels (``.json``):

* ``train.npy``: windows of up to 100 frames, classes in equal numbers, augmented;
* ``val.npy``: runs and windows of the validation clips, not augmented, 100 frames at most;
* ``test.npy`` and ``test_<source>.npy``: the labelled runs of the held-out people as they are,
  with the joints that their source has;
* ``test_all_joints.npy``: the same with the other joints estimated;
* ``test_<T>_frames.npy``: windows of the length that a client cuts;

and ``manifest.json``: how many clips, runs and windows there are, and what they were made of.
The same data and seed give the same bytes.
"""

import argparse
import hashlib
import json
import logging
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from converter import InputError
from training.common.results import write_atomic
from training.recipes.six_class.arrays import Row, write_rows
from training.recipes.six_class.augment import augment
from training.recipes.six_class.labelled import SHORTEST, Labelled, label_clips, segments
from training.recipes.six_class.pool import SOURCE_WEIGHTS, WindowPool
from training.recipes.six_class.rules import CLASSES
from training.recipes.six_class.sources import DATA_SETS, read_clips
from training.recipes.six_class.split import SPLITS, Split

SEED = 20240
WINDOWS = 14400
TRAIN_FRAMES, TEST_FRAMES, TEST_WINDOWS = 100, 300, 300
LENGTHS = {100: 0.35, 60: 0.15, 30: 0.1}
"""Frames that clients often cut, and how often; else any number up to ``TRAIN_FRAMES``."""
log = logging.getLogger(__name__)


def random_length(rng: np.random.Generator) -> int:
    """Return the number of frames of a training window."""
    length = int(rng.choice([*LENGTHS, 0], p=[*LENGTHS.values(), 1 - sum(LENGTHS.values())]))
    return length or int(rng.integers(SHORTEST, TRAIN_FRAMES + 1))


def draw_rows(
    items: Sequence[Labelled], count: int, rng: np.random.Generator, length: int | None = None
) -> list[Row]:
    """Draw windows, classes in turn.

    Args:
        items: labelled clips.
        count: windows wanted.
        rng: source of randomness.
        length: frames of plain windows; None: augmented windows of any length.
    """
    pool, rows = WindowPool(items), []
    for index in range(count):
        label = CLASSES[index % len(CLASSES)]
        person, window = pool.draw(label, length or random_length(rng), rng, vary=length is None)
        rows.append(Row(f"{person} {index}", label, window if length else augment(window, rng)))
    return rows


def make(data: Path, output: Path, windows: int = WINDOWS, seed: int = SEED) -> dict[str, object]:
    """Make all arrays and the manifest.

    Args:
        data: folder of the three data sets.
        output: folder to write into; made if missing.
        windows: training windows.
        seed: seed of everything random.

    Returns:
        The manifest.

    Raises:
        InputError: a data set is missing.
    """
    items = label_clips(read_clips(data))
    output.mkdir(parents=True, exist_ok=True)
    by_split = {split: [item for item in items if item.split == split] for split in SPLITS}
    rng = np.random.default_rng(seed)
    train, val, test = by_split["train"], by_split["val"], by_split["test"]
    write_rows(output / "train.npy", draw_rows(train, windows, rng), TRAIN_FRAMES)
    plain = segments(val, whole=False)
    plain += draw_rows(val, len(plain), rng, TRAIN_FRAMES)
    write_rows(output / "val.npy", plain, TRAIN_FRAMES)
    write_rows(output / "test.npy", segments(test, whole=False), TEST_FRAMES)
    write_rows(output / "test_all_joints.npy", segments(test, whole=True), TEST_FRAMES)
    for source in SOURCE_WEIGHTS:
        rows = segments([item for item in test if item.clip.source == source], whole=False)
        write_rows(output / f"test_{source}.npy", rows, TEST_FRAMES)
    for length in sorted({*LENGTHS, TEST_FRAMES}):
        rows = draw_rows(test, TEST_WINDOWS, rng, length)
        write_rows(output / f"test_{length}_frames.npy", rows, TEST_FRAMES)
    manifest = _manifest(data, by_split, windows, seed)
    content = json.dumps(manifest, indent=2) + "\n"
    write_atomic(output / "manifest.json", content.encode())
    return manifest


def _manifest(
    data: Path, by_split: dict[Split, list[Labelled]], windows: int, seed: int
) -> dict[str, object]:
    runs: dict[str, dict[str, dict[str, int]]] = {}
    for split, items in by_split.items():
        for source in SOURCE_WEIGHTS:
            counts = Counter(
                run.label for item in items if item.clip.source == source for run in item.runs
            )
            runs.setdefault(split, {})[source] = {name: counts[name] for name in CLASSES}
    files = [data_set.file for data_set in DATA_SETS.values()]
    digests = {name: hashlib.sha256((data / name).read_bytes()).hexdigest() for name in files}
    return {"seed": seed, "training_windows": windows, "runs": runs, "sha256": digests}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="six_class.make_data", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the three data sets")
    parser.add_argument("--output", type=Path, required=True, help="folder for the arrays")
    parser.add_argument("--windows", type=int, default=WINDOWS, help="training windows")
    parser.add_argument("--seed", type=int, default=SEED)
    options = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        manifest = make(options.data, options.output, options.windows, options.seed)
    except InputError as error:
        log.error("%s", error)
        return 2
    log.info("%s", json.dumps(manifest["runs"], indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
