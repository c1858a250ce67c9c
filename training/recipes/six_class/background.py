"""Actions of no class as a seventh class in training, and the network of six classes it makes.

A network that has only met its six classes is sure of everything. So it is also trained on other
actions, as the class ``unknown``. What it returns for that class is then taken off the other six
logits and the class is dropped: a logit says how much likelier its class is than ``unknown``.

Training shows all classes equally often, life does not: few people hop. So the logarithm of how
much rarer a class is than in training is taken off its logit, too (Menon et al., ICLR 2021, arXiv
2007.07314). All jumping in the data is of five people before one sensor; without this the network
takes for it what is unlike everything else, such as walkers seen from above.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from converter import InputError
from converter.sidecar import UNKNOWN
from training.pose_classification.metadata import CHECKPOINT_KEY
from training.recipes.six_class.arrays import Row
from training.recipes.six_class.augment import augment
from training.recipes.six_class.body import complete
from training.recipes.six_class.labelled import SHORTEST
from training.recipes.six_class.motion import resample
from training.recipes.six_class.pool import SOURCE_WEIGHTS, random_speed
from training.recipes.six_class.rules import CLASSES, label_runs
from training.recipes.six_class.sources import Clip

LIKE_A_CLASS = ("carry", "drop_trash")
"""Actions of no class that nobody could tell from one: who carries or drops something walks."""
RARER = {"jumping": 8.0}
"""How many times less often a class is met than the windows of training show it."""
STILL = 0.5
"""Clips of which more than this share is standing still are standing: gestures."""
SHOWN = 0.7
"""Least share of a clip in a window: what leads to an action is not the action."""


def others(clips: Iterable[Clip]) -> dict[str, list[Clip]]:
    """Return the clips whose action is of no class, by source, with all joints."""
    found: dict[str, list[Clip]] = {}
    for clip in clips:
        if clip.action != "other" or clip.label in LIKE_A_CLASS or len(clip.motion) < SHORTEST:
            continue
        still = sum(len(run) for run in label_runs(clip.action, clip.motion))
        if still <= STILL * len(clip.motion):
            found.setdefault(clip.source, []).append(clip)
    return found


def background_rows(
    clips: Mapping[str, list[Clip]],
    count: int,
    length: int,
    pose_type: str,
    rng: np.random.Generator,
) -> list[Row]:
    """Draw augmented windows of actions of no class.

    Args:
        clips: of `others`.
        count: windows wanted.
        length: most frames.
        pose_type: what the poses are.
        rng: source of randomness.

    Raises:
        InputError: there are no clips.
    """
    if not clips:
        raise InputError("the data show no action but those of the six classes")
    weights = np.array([SOURCE_WEIGHTS[source] for source in clips])
    rows: list[Row] = []
    while len(rows) < count:
        source = list(clips)[int(rng.choice(len(clips), p=weights / weights.sum()))]
        clip = clips[source][int(rng.integers(len(clips[source])))]
        motion = resample(complete(clip.motion), 1 / random_speed(rng))
        frames = min(length, round(len(motion) * rng.uniform(SHOWN, 1)))
        start = int(rng.integers(len(motion) - frames + 1))
        if frames >= SHORTEST:
            window = augment(motion[start : start + frames], pose_type, rng)
            rows.append(Row(f"{source} {clip.subject} {len(rows)}", UNKNOWN, window))
    return rows


def without_background(checkpoint: Mapping[str, Any]) -> dict[str, Any]:
    """Return the checkpoint of six classes that one of seven makes, `RARER` taken off its logits.

    Args:
        checkpoint: of a training whose last class is ``unknown``.
    """
    state = dict(checkpoint["state_dict"])
    for name in ("model.fcn.weight", "model.fcn.bias"):
        state[name] = state[name][:-1] - state[name][-1:]
    for label, times in RARER.items():
        state["model.fcn.bias"][CLASSES.index(label)] -= math.log(times)
    facts = checkpoint[CHECKPOINT_KEY] | {"classes": list(CLASSES)}
    return {"state_dict": state, CHECKPOINT_KEY: facts}
