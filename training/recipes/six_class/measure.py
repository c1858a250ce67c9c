"""What the trained network is worth: accuracy on held-out people, calibration, sensor cue."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from converter import joint_map
from training.pose_classification.labels import read_labels
from training.pose_classification.metrics import Metrics, evaluate_logits, softmax
from training.pose_classification.predictor import Predictor
from training.recipes.six_class.arrays import network_inputs
from training.recipes.six_class.cameras import keypoints
from training.recipes.six_class.labelled import SHORTEST
from training.recipes.six_class.motion import Motion, resample
from training.recipes.six_class.rules import CLASSES, label_runs
from training.recipes.six_class.sources import Clip
from training.recipes.six_class.split import split_of

BATCH, FRAMES = 16, 300
JUMPING = CLASSES.index("jumping")
NOISE = 15.0
"""Millimetres of white noise that `as_kinect` adds."""


def logits_of(predictor: Predictor, sequences: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return logits (N, classes) of sequences (N, C, T, V, M); padding behind is not computed."""
    parts = []
    for start in range(0, len(sequences), BATCH):
        batch = np.array(sequences[start : start + BATCH])
        used = np.flatnonzero(batch.any(axis=(0, 1, 3, 4)))
        parts.append(predictor(np.ascontiguousarray(batch[:, :, : used[-1] + 1])))
    return np.concatenate(parts)


def fit_temperature(logits: NDArray[np.float32], truth: NDArray[np.int64]) -> float:
    """Return what to divide logits by so that their softmax is calibrated.

    The value between 0.1 and 10 with the lowest cross-entropy (Guo et al., ICML 2017).

    Args:
        logits: (N, classes) of data that was not trained on.
        truth: (N,) class ids.
    """
    candidates = np.geomspace(0.1, 10, 401)
    right = [softmax(logits, t)[np.arange(len(truth)), truth] for t in candidates.tolist()]
    losses = -np.log(np.maximum(right, 1e-12)).mean(axis=1)
    return float(round(candidates[np.argmin(losses)], 4))


def evaluate_array(predictor: Predictor, path: Path) -> Metrics:
    """Measure a network on an array of `make_data`."""
    sequences = np.load(path, mmap_mode="r", allow_pickle=False)
    truth = read_labels(path.with_suffix(".json")).ids
    return evaluate_logits(logits_of(predictor, sequences), truth, predictor.temperature)


@dataclass(frozen=True)
class CueCheck:
    """How often something is called jumping, although or because of the sensor."""

    what: str
    clips: int
    jumping: float


def sensor_cue(
    predictor: Predictor, clips: Iterable[Clip], pose_type: str, seed: int = 0
) -> list[CueCheck]:
    """Look for the short cut "motion capture means jumping" in the held-out people.

    A network that took it would call other motion captured actions jumping, more often than
    what a Kinect saw, and would not find jumping in motion capture made to look like a Kinect's.

    Args:
        predictor: the network.
        clips: clips of all sources; those of held-out people are used.
        pose_type: what the network is given.
        seed: seed of the noise and of the cameras.
    """
    rng = np.random.default_rng(seed)
    groups: dict[str, list[Motion]] = {
        f"{sensor}: {what}": []
        for what in ("the five other classes", "actions of no class", "jumping")
        for sensor in ("Kinect", "motion capture", "motion capture as of a Kinect")
    }
    for clip in clips:
        if split_of(clip) != "test":
            continue
        mocap = clip.source == "hdm05"
        sensor = "motion capture" if mocap else "Kinect"
        parts = [
            ("jumping" if run.label == "jumping" else "the five other classes", run.start, run.end)
            for run in label_runs(clip.action, clip.motion)
        ]
        if clip.action == "other":
            parts = [("actions of no class", 0, len(clip.motion))]
        for what, start, end in parts:
            motion = clip.motion[start:end][:FRAMES]
            if len(motion) >= SHORTEST:
                groups[f"{sensor}: {what}"].append(motion)
                if mocap:
                    groups[f"{sensor} as of a Kinect: {what}"].append(as_kinect(motion, rng))
    return [
        CueCheck(what, len(motions), _share_jumping(predictor, motions, pose_type, rng))
        for what, motions in groups.items()
        if motions
    ]


def as_kinect(motion: Motion, rng: np.random.Generator) -> Motion:
    """Return a captured motion with the joints, frame rate and noise of a Kinect."""
    has = (joint_map("kinect-v1", "nvidia").matrix != 0).any(axis=1)
    slow: Motion = resample(motion[::2], 2.0) * has[:, None]
    noise = rng.normal(scale=NOISE, size=(*slow.shape[:2], 3)) * (slow[..., 3:] > 0)
    slow[..., :3] += noise
    return slow


def _share_jumping(
    predictor: Predictor, motions: Sequence[Motion], pose_type: str, rng: np.random.Generator
) -> float:
    seen = [keypoints(motion, pose_type, rng) for motion in motions]
    logits = logits_of(predictor, network_inputs(seen, FRAMES, pose_type))
    return float((logits.argmax(axis=1) == JUMPING).mean())
