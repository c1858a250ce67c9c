"""Training: sequences a second of both networks, and the share of time that loading takes.

    python -m benchmarks.training_speed [--quick] [--precision bf16] [--workers 2]

Real motion (the sample sequences, repeated to the length) with all augmentation of the shipped
recipes, through the trainer's own data module and Lightning module. `loading` is the time that
Lightning's profiler sees the training wait for a batch. Runs on the GPU where there is one.
"""

from __future__ import annotations

import argparse
import logging
import tempfile
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning.pytorch import Trainer
from lightning.pytorch.profilers import SimpleProfiler
from rich.table import Table

from benchmarks._report import console, write_report
from training.common.spec import make_spec
from training.pose_classification.build import build_model
from training.pose_classification.datamodule import PoseData
from training.pose_classification.graph import load_layout
from training.pose_classification.labels import read_labels, write_labels
from training.pose_classification.metadata import ModelMetadata
from training.pose_classification.module import PoseClassifier
from training.pose_classification.sequences import open_dataset
from training.pose_classification.spec import ExperimentSpec
from training.pose_classification.transforms import Transforms

SAMPLES = Path(__file__).resolve().parents[1] / "samples"
WAITING, STEP = "train_dataloader_next", "run_training_batch"  # names in Lightning's profile
CASES = (
    ("ST-GCN", "tao", 300),
    ("ST-GCN", "mask", 100),
    ("ST-GCN++", "tao", 300),
    ("ST-GCN++", "mask", 100),
)


@dataclass(frozen=True)
class Size:
    """How much to train: steps that count, sequences in a batch, channels of the first block."""

    steps: int
    batch: int
    channels: int


FULL, QUICK = Size(6, 16, 64), Size(1, 2, 8)


@dataclass(frozen=True)
class Row:
    """One network on sequences of one length.

    Attributes:
        network: `ST-GCN` or `ST-GCN++`.
        padding: `tao` or `mask`.
        frames: T.
        device: `cpu` or the GPU's name.
        precision: Of the training.
        sequences_per_second: Trained on, waiting for batches included.
        loading: Share of the time spent waiting for a batch.
    """

    network: str
    padding: str
    frames: int
    device: str
    precision: str
    sequences_per_second: float
    loading: float


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark, print a table, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--precision", choices=("32", "bf16"), default="32")
    parser.add_argument("--workers", type=int, default=0, help="processes that load")
    parser.add_argument("--quick", action="store_true", help="narrow networks, no results file")
    given = parser.parse_args(argv)
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    size = QUICK if given.quick else FULL
    with tempfile.TemporaryDirectory() as folder:
        rows = [train(Path(folder), *case, given.precision, given.workers, size) for case in CASES]
    table = Table("network", "padding", "frames", "device", "sequences/s", "loading")
    for row in rows:
        figures = f"{row.sequences_per_second:.2f}", f"{row.loading:.1%}"
        table.add_row(row.network, row.padding, str(row.frames), row.device, *figures)
    console().print(table)
    if not given.quick:
        write_report("training_speed", {"rows": [asdict(row) for row in rows]})
    return 0


def train(
    folder: Path,
    network: str,
    padding: str,
    frames: int,
    precision: str,
    workers: int,
    size: Size,
) -> Row:
    """Train for some steps after one that does not count."""
    spec = make_spec(ExperimentSpec, settings(folder, network, padding, frames, workers, size))
    layout = load_layout(spec.model.graph_layout)
    source = open_dataset(spec, "dataset.train_dataset", layout)
    transforms = Transforms.of(spec.dataset, layout)
    data = PoseData(spec.dataset, transforms, source, source, 0, 1)
    model = build_model(spec.model, spec.dataset.num_classes)
    metadata = ModelMetadata.of_spec(spec)
    module = PoseClassifier(model, spec.train, 0, data.steps_per_epoch, metadata)
    first, profiler = SimpleProfiler(), SimpleProfiler()
    for profile, count in ((first, 1), (profiler, size.steps)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            trainer = Trainer(
                accelerator="gpu" if torch.cuda.is_available() else "cpu",
                devices=1,
                precision="bf16-mixed" if precision == "bf16" else "32-true",
                max_steps=count,
                limit_val_batches=0,
                logger=False,
                enable_checkpointing=False,
                enable_progress_bar=False,
                enable_model_summary=False,
                use_distributed_sampler=False,
                profiler=profile,
            )
            trainer.fit(module, data)
    waiting, work = (seconds(profiler, name)[: size.steps] for name in (WAITING, STEP))
    whole = sum(waiting) + sum(work)
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"
    rate = size.batch * size.steps / whole
    return Row(network, padding, frames, device, precision, rate, sum(waiting) / whole)


def seconds(profiler: SimpleProfiler, name: str) -> list[float]:
    """Durations of what ends with `name` in Lightning's profile."""
    found = [times for key, times in profiler.recorded_durations.items() if key.endswith(name)]
    if not found:
        raise RuntimeError(f"Lightning's profile has no {name}")
    return [float(time) for time in found[0]]


def settings(
    folder: Path, network: str, padding: str, frames: int, workers: int, size: Size
) -> dict[str, Any]:
    """A spec with data enough for the steps, and the augmentation of the shipped recipes."""
    clips = np.load(SAMPLES / "segments.npy", allow_pickle=False)
    ids = read_labels(SAMPLES / "segments.truth.json").ids
    filled = [clip[:, np.arange(frames) % max(1, used(clip))] for clip in clips]
    repeated = np.tile(np.stack(filled), (12, 1, 1, 1, 1))
    np.save(folder / "clips.npy", repeated)
    names = [str(number) for number in range(len(repeated))]
    write_labels(folder / "labels.json", names, np.tile(ids, 12).tolist())
    files = {"data_path": str(folder / "clips.npy"), "label_path": str(folder / "labels.json")}
    return {
        "model": {"model_type": network, "padding": padding, "base_channels": size.channels},
        "dataset": {
            "train_dataset": files,
            "val_dataset": files,
            "label_map": {f"class{number}": number for number in range(6)},
            "batch_size": size.batch,
            "num_workers": workers,
            "random_rotation": 0.3,
            "random_scale": 0.1,
            "random_flip": 0.5,
        },
    }


def used(clip: np.ndarray[Any, Any]) -> int:
    """Frames in front of the padding."""
    return int(np.flatnonzero(clip.any(axis=(0, 2, 3)))[-1]) + 1


if __name__ == "__main__":
    raise SystemExit(main())
