"""A small, learnable data set and spec for the tests of the training tasks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import yaml

from training.common.checkpoint import load_checkpoint
from training.pose_classification.labels import write_labels

CLASSES = ("still", "slow", "fast")


def sequences(count: int, frames: int = 20, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Bodies (N, 3, T, 34, 1) that swing at a frequency given by their class, and the classes."""
    rng = np.random.default_rng(seed)
    ids = np.arange(count) % len(CLASSES)
    phase = rng.uniform(0, 6, (count, 1, 1, 1, 1))
    template = np.random.default_rng(99).normal(size=(1, 3, 1, 34, 1))
    body = template + rng.normal(scale=0.05, size=(count, 3, 1, 34, 1))
    angle = 0.7 * ids[:, None, None, None, None] * np.arange(frames)[:, None, None] + phase
    return (body + 0.4 * np.sin(angle)).astype(np.float32), ids


def write_data(folder: Path, name: str, count: int, **options: Any) -> dict[str, str]:
    data, ids = sequences(count, **options)
    np.save(folder / f"{name}.npy", data)
    write_labels(folder / f"{name}.pkl", [f"{name}_{i}" for i in range(count)], ids.tolist())
    return {
        "data_path": str(folder / f"{name}.npy"),
        "label_path": str(folder / f"{name}.pkl"),
    }


def write_spec(folder: Path, **changes: dict[str, Any]) -> Path:
    """Data sets of 24 and 10 sequences, and a spec for them; `changes` go into its sections."""
    folder.mkdir(parents=True, exist_ok=True)
    train = write_data(folder, "train", 24)
    val = write_data(folder, "val", 10, seed=1)
    spec: dict[str, Any] = {
        "results_dir": str(folder / "results"),
        "model": {"base_channels": 4, "dropout": 0.2},
        "dataset": {
            "train_dataset": train,
            "val_dataset": val,
            "num_classes": 3,
            "label_map": {name: i for i, name in enumerate(CLASSES)},
            "batch_size": 4,
            "num_workers": 0,
            "random_choose": True,
            "random_move": True,
            "window_size": 12,
        },
        "train": {"num_epochs": 2, "optim": {"lr": 0.02}},
        "evaluate": {"test_dataset": val},
        "inference": {"test_dataset": {"data_path": val["data_path"]}},
    }
    for section, options in changes.items():
        spec[section] = _merged(spec.get(section, {}), options)
    path = folder / "spec.yaml"
    path.write_text(yaml.safe_dump(spec))
    return path


def weights(checkpoint: Path) -> dict[str, np.ndarray]:
    """The network's tensors of a checkpoint."""
    state = load_checkpoint(checkpoint)["state_dict"]
    return {name: tensor.numpy() for name, tensor in state.items()}


def same_weights(first: Path, second: Path) -> bool:
    """Whether two checkpoints hold the same bits."""
    one, two = weights(first), weights(second)
    return one.keys() == two.keys() and all(np.array_equal(one[k], two[k]) for k in one)


def _merged(old: Any, new: Any) -> Any:
    if not isinstance(old, dict) or not isinstance(new, dict):
        return new
    return old | {key: _merged(old.get(key), value) for key, value in new.items()}
