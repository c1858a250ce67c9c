"""Limb candidates: pairs of joints scored along the part-affinity fields, then matched."""

from __future__ import annotations

import numpy as np

from converter.bodypose import Limbs, Peaks, match
from training.bpnet.arrays import Array
from training.bpnet.postprocess.upsample import EnlargedFields

SAMPLES = 10  # places along a limb, ends included
NEEDED = 9  # of them must exceed the threshold: TAO wants more than 0.8


def find_limbs(
    pafs: Array,
    peaks: Peaks,
    topology: Array,
    factor: int = 8,
    threshold: float = 0.05,
) -> Limbs:
    """Score every pair of candidates of every limb and match them greedily.

    A pair's score is the mean, over the samples where it exceeds the threshold, of the field's
    component along the limb; pairs with too few such samples are dropped.

    Args:
        pafs: (H, W, 2K).
        peaks: candidates in the map enlarged by `factor`.
        topology: (K, 4), see `PoseConfig.topology`.
        factor: enlargement, pixels per cell.
        threshold: least component along the limb.
    """
    along = np.linspace(0, 1, SAMPLES, dtype=np.float32)
    fields = EnlargedFields(pafs[..., topology[:, :2]], factor)
    place = np.stack([peaks.x, peaks.y]).astype(np.float32)
    limb, start, end = _pairs(peaks, topology)
    # A pair that fails at two places too many cannot pass: most pairs are settled by a few.
    probes = along[1 :: SAMPLES // (SAMPLES - NEEDED + 2)]
    failures = (_along(fields, place, limb, start, end, probes) <= threshold).sum(axis=1)
    likely = failures <= SAMPLES - NEEDED
    limb, start, end = limb[likely], start[likely], end[likely]
    component = _along(fields, place, limb, start, end, along)
    valid = component > threshold
    count = valid.sum(axis=1)
    score = (component * valid).sum(axis=1) / np.maximum(count, 1)
    accepted = (score > 0) & (count >= NEEDED)
    return match(limb[accepted], start[accepted], end[accepted], score[accepted])


def _pairs(peaks: Peaks, topology: Array) -> tuple[Array, Array, Array]:
    """Limb, start and end of every pair of candidates that a limb could join."""
    first = np.searchsorted(peaks.joint, topology[:, 2:], side="left")
    counts = np.searchsorted(peaks.joint, topology[:, 2:], side="right") - first
    limb = np.repeat(np.arange(len(topology)), counts.prod(axis=1))
    ends_per_start = counts[limb, 1]
    within = np.arange(len(limb)) - np.searchsorted(limb, limb)
    start, end = np.divmod(within, ends_per_start)
    return limb, first[limb, 0] + start, first[limb, 1] + end


def _along(
    fields: EnlargedFields,
    place: Array,
    limb: Array,
    start: Array,
    end: Array,
    shares: Array,
) -> Array:
    """(n, s): the field's component along each pair, at shares 0..1 of its length."""
    origin, vector = place[:, start], place[:, end] - place[:, start]
    points = np.rint(origin[..., None] + vector[..., None] * shares)
    values = fields.at(limb, points[0], points[1])
    unit: Array = vector / np.maximum(np.hypot(vector[0], vector[1]), np.float32(1e-6))
    component: Array = np.einsum("nsc,cn->ns", values, unit)
    return component
