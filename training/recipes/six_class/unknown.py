"""Actions of no class: which logit they hardly reach, and how well that tells them apart.

The network only knows its six classes. A sequence is *unknown* when none of its logits reaches a
level that most known sequences reach. The level is fitted on the validation people, and what it
is worth is measured on the held-out ones, by the area under the curve of known kept over unknown
kept (AUROC: the chance that a known sequence scores above an unknown one). Other scores that the
logits give are measured beside it.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from training.pose_classification.metrics import softmax
from training.pose_classification.predictor import Predictor
from training.recipes.six_class.arrays import network_inputs
from training.recipes.six_class.cameras import keypoints
from training.recipes.six_class.labelled import SHORTEST
from training.recipes.six_class.measure import FRAMES, logits_of
from training.recipes.six_class.rules import CLASSES
from training.recipes.six_class.sources import Clip
from training.recipes.six_class.split import split_of

Floats = NDArray[np.float32] | NDArray[np.float64]
KEPT = 0.95
"""Share of the known validation sequences that reaches the level."""


def largest_logit(logits: NDArray[np.float32], temperature: float) -> Floats:
    """MaxLogit (Hendrycks et al., ICML 2022)."""
    result: Floats = logits.max(axis=1)
    return result


def largest_probability(logits: NDArray[np.float32], temperature: float) -> Floats:
    """Maximum softmax probability (Hendrycks and Gimpel, ICLR 2017)."""
    result: Floats = softmax(logits, temperature).max(axis=1)
    return result


def energy(logits: NDArray[np.float32], temperature: float) -> Floats:
    """Negative free energy (Liu et al., NeurIPS 2020)."""
    scaled = logits / temperature
    most = scaled.max(axis=1)
    result: Floats = most + np.log(np.exp(scaled - most[:, None]).sum(axis=1))
    return result


def margin(logits: NDArray[np.float32], temperature: float) -> Floats:
    """Largest less second largest logit."""
    ranked = np.sort(logits, axis=1)
    result: Floats = ranked[:, -1] - ranked[:, -2]
    return result


SCORES: Mapping[str, Callable[[NDArray[np.float32], float], Floats]] = {
    "largest logit": largest_logit,
    "largest probability": largest_probability,
    "energy": energy,
    "margin": margin,
}
"""Scores of being known, by name; the first one is served."""


def fit_unknown_logit(logits: NDArray[np.float32]) -> float:
    """Return the level that ``KEPT`` of known sequences reach, from their logits (N, classes)."""
    return float(round(np.quantile(largest_logit(logits, 1.0), 1 - KEPT), 4))


def auroc(known: Floats, unknown: Floats) -> float:
    """Return the chance that a known score (N,) is above an unknown one (M,); ties count half."""
    above = np.searchsorted(np.sort(unknown), known, side="left")
    level = np.searchsorted(np.sort(unknown), known, side="right") - above
    return float((above + level / 2).mean() / len(unknown))


@dataclass(frozen=True)
class Strangers:
    """Logits (N, classes) of all clips of one action that is no class."""

    source: str
    action: str
    logits: NDArray[np.float32]


def strangers(
    predictor: Predictor, clips: Iterable[Clip], pose_type: str, seed: int = 0
) -> list[Strangers]:
    """Classify the held-out people's clips of actions of no class, by data set and action.

    Args:
        predictor: the network.
        clips: clips of all sources, actions of one source in any order.
        pose_type: what the network is given.
        seed: seed of the cameras.
    """
    rng = np.random.default_rng(seed)
    chosen = [
        clip
        for clip in clips
        if clip.action == "other" and split_of(clip) == "test" and len(clip.motion) >= SHORTEST
    ]
    chosen.sort(key=lambda clip: (clip.source, clip.label))
    groups = groupby(chosen, key=lambda clip: (clip.source, clip.label))
    found = []
    for (source, action), members in groups:
        motions = [keypoints(clip.motion[:FRAMES], pose_type, rng) for clip in members]
        logits = logits_of(predictor, network_inputs(motions, FRAMES, pose_type))
        found.append(Strangers(source, action, logits))
    return found


def judge(
    known: NDArray[np.float32],
    truth: NDArray[np.int64],
    groups: Iterable[Strangers],
    temperature: float,
    level: float,
) -> dict[str, object]:
    """Measure how well known and unknown are told apart, as plain values for JSON.

    Args:
        known: logits (N, classes) of held-out sequences of the classes.
        truth: their classes (N,).
        groups: what is of no class.
        temperature: of the network.
        level: logit that a known sequence reaches.
    """
    groups = list(groups)
    sources = {group.source for group in groups}
    by_source = {
        source: np.concatenate([group.logits for group in groups if group.source == source])
        for source in sorted(sources)
    }
    by_source["all"] = np.concatenate([group.logits for group in groups])
    served = SCORES[next(iter(SCORES))]
    kept = served(known, temperature) >= level
    return {
        "level": level,
        "known": {
            "sequences": len(known),
            "kept": float(kept.mean()),
            "right_and_kept": float((kept & (known.argmax(axis=1) == truth)).mean()),
        },
        "auroc": {
            name: {
                source: auroc(score(known, temperature), score(logits, temperature))
                for source, logits in by_source.items()
            }
            for name, score in SCORES.items()
        },
        "actions": [
            {
                "source": group.source,
                "action": group.action,
                "sequences": len(group.logits),
                "auroc": auroc(served(known, temperature), served(group.logits, temperature)),
                "called_unknown": float((served(group.logits, temperature) < level).mean()),
                "else_called": CLASSES[int(np.bincount(group.logits.argmax(axis=1)).argmax())],
            }
            for group in groups
        ],
    }
