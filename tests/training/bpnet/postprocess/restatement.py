"""The reference's post-processing, literally: full-size maps and loops."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from training.bpnet.arrays import Array
from training.bpnet.pose_config import PoseConfig

Peaks = list[list[tuple[Any, ...]]]
Limbs = list[tuple[int, int, float]]


def people(
    heatmaps: Array,
    pafs: Array,
    pose: PoseConfig,
    factor: int,
    heatmap_threshold: float = 0.1,
    paf_threshold: float = 0.05,
) -> list[tuple[Array, float]]:
    size = (heatmaps.shape[1] * factor, heatmaps.shape[0] * factor)
    heatmaps = cv2.resize(heatmaps, size, interpolation=cv2.INTER_CUBIC)
    pafs = cv2.resize(pafs, size, interpolation=cv2.INTER_CUBIC)
    peaks = find_peaks(heatmaps[..., :-1], heatmap_threshold)
    connections = [
        find_connections(peaks, pafs[..., row[:2]], row[2], row[3], paf_threshold)
        for row in pose.topology
    ]
    return connect(peaks, connections, pose)


def find_peaks(heatmaps: Array, threshold: float) -> Peaks:
    """Per joint a list of (x, y, score, id)."""
    result: Peaks = []
    count = 0
    for joint in range(heatmaps.shape[2]):
        plain = heatmaps[..., joint]
        smooth = cv2.GaussianBlur(plain, (5, 5), 3, borderType=cv2.BORDER_REPLICATE)
        is_peak = (smooth == cv2.dilate(smooth, np.ones((3, 3)))) & (plain > threshold)
        found = []
        for y, x in np.argwhere(is_peak):
            found.append((x, y, plain[y, x], count))
            count += 1
        result.append(found)
    return result


def find_connections(
    peaks: Peaks, paf: Array, start_joint: int, end_joint: int, threshold: float
) -> Limbs:
    """Matched (start id, end id, score), best first."""
    candidates = []
    for a in peaks[start_joint]:
        for b in peaks[end_joint]:
            vector = np.subtract(b[:2], a[:2]).astype(float)
            unit = vector / (np.linalg.norm(vector) + 1e-6)
            samples = [np.rint(np.array(a[:2]) + vector * i / 9).astype(int) for i in range(10)]
            scores = [float(np.dot(paf[y, x], unit)) for x, y in samples]
            valid = [score for score in scores if score > threshold]
            if len(valid) > 0.8 * 10:
                candidates.append((sum(valid) / len(valid), a[3], b[3]))
    chosen: Limbs = []
    used: set[int] = set()
    for score, a, b in sorted(candidates, reverse=True):
        if a not in used and b not in used:
            chosen.append((a, b, score))
            used |= {a, b}
    return chosen


def connect(peaks: Peaks, connections: list[Limbs], pose: PoseConfig) -> list[tuple[Array, float]]:
    """List of (joints (V, 3) of x, y, score, person score)."""
    flat = [peak for found in peaks for peak in found]
    rows: list[list[Any]] = []  # [ids per joint, score, count]
    for limb, (a, b) in enumerate(pose.limbs):
        for start, end, score in connections[limb]:
            own = [row for row in rows if row[0][a] == start or row[0][b] == end]
            if len(own) == 2 and not np.any((own[0][0] >= 0) & (own[1][0] >= 0)):
                own[0][0] = np.maximum(own[0][0], own[1][0])
                own[0][1] += own[1][1] + score
                own[0][2] += own[1][2]
                rows = [row for row in rows if row is not own[1]]
            elif own and own[0][0][b] != end:
                own[0][0][b] = end
                own[0][1] += flat[end][2] + score
                own[0][2] += 1
            elif not own and limb < len(pose.limbs) - 2:
                ids = np.full(pose.num_joints, -1)
                ids[a], ids[b] = start, end
                rows.append([ids, flat[start][2] + flat[end][2] + score, 2])
    people = []
    for ids, score, count in rows:
        if count >= 4 and score / count >= 0.4:
            joints = [flat[i][:3] if i >= 0 else (0, 0, 0) for i in ids]
            people.append((np.array(joints, float), 1 - 1 / score))
    return people
