"""Limbs to people, and the whole way from maps to people."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from training.bpnet.arrays import Array
from training.bpnet.pose_config import PoseConfig
from training.bpnet.postprocess.limbs import Limbs, find_limbs
from training.bpnet.postprocess.peaks import Peaks, find_peaks


@dataclass(frozen=True)
class People:
    """P people with V joints.

    Attributes:
        keypoints: (P, V, 2) x, y; zeros where a joint was not found.
        joint_scores: (P, V) heatmap values; 0 where a joint was not found.
        scores: (P,) in 0..1, `1 - 1 / (sum of joint and limb scores)`.
    """

    keypoints: Array
    joint_scores: Array
    scores: Array

    def __len__(self) -> int:
        return len(self.scores)


@dataclass(frozen=True)
class PeopleParser:
    """Heatmaps and PAFs to people, with the reference's constants.

    Attributes:
        pose: joints and limbs.
        factor: enlargement of the maps, pixels per cell.
        heatmap_threshold: least heatmap value of a joint.
        paf_threshold: least field component along a limb.
        min_joints: people with fewer joints are dropped.
        min_mean_score: people whose score per joint is lower are dropped.
    """

    pose: PoseConfig
    factor: int = 8
    heatmap_threshold: float = 0.1
    paf_threshold: float = 0.05
    min_joints: int = 4
    min_mean_score: float = 0.4

    def __call__(self, heatmaps: Array, pafs: Array) -> People:
        """Parse one image.

        Args:
            heatmaps: (H, W, V + 1) with background.
            pafs: (H, W, 2K).

        Returns:
            People with keypoints in pixels of the enlarged map, where pixel (0, 0) is the centre
            of its top left pixel.
        """
        peaks = find_peaks(heatmaps[..., :-1], self.factor, self.heatmap_threshold)
        limbs = find_limbs(pafs, peaks, self.pose.topology, self.factor, self.paf_threshold)
        return self.assemble(peaks, limbs)

    def assemble(self, peaks: Peaks, limbs: Limbs) -> People:
        """Join limbs that share a joint into people."""
        scores = peaks.score.tolist()
        topology = self.pose.topology.tolist()
        people: list[_Person] = []
        columns = (limbs.limb, limbs.start, limbs.end, limbs.score)
        for limb, start, end, score in zip(*(c.tolist() for c in columns), strict=True):
            _, _, a, b = topology[limb]
            owners = [p for p in people if p.peaks[a] == start or p.peaks[b] == end]
            if owners:
                _extend(people, owners, b, end, score, scores[end])
            elif limb not in self._closing:
                person = _Person([_MISSING] * self.pose.num_joints)
                person.peaks[a], person.peaks[b] = start, end
                person.score = scores[start] + scores[end] + score
                people.append(person)
        return self._people([p for p in people if self._is_whole(p)], peaks)

    @cached_property
    def _closing(self) -> set[int]:
        """Limbs that bring no joint of their own: they complete people and start none."""
        known: set[int] = set()
        closing = set()
        for limb, ends in enumerate(self.pose.limbs):
            if known.issuperset(ends):
                closing.add(limb)
            known.update(ends)
        return closing

    def _is_whole(self, person: _Person) -> bool:
        count = len(person.peaks) - person.peaks.count(_MISSING)
        return count >= self.min_joints and person.score / count >= self.min_mean_score

    def _people(self, people: list[_Person], peaks: Peaks) -> People:
        index = np.asarray([p.peaks for p in people], np.int64).reshape(-1, self.pose.num_joints)
        found = index != _MISSING
        keypoints = np.zeros((*index.shape, 2), np.float32)
        joint_scores = np.zeros(index.shape, np.float32)
        keypoints[found] = np.stack([peaks.x, peaks.y], axis=1)[index[found]]
        joint_scores[found] = peaks.score[index[found]]
        total = np.asarray([person.score for person in people], np.float32)
        return People(keypoints, joint_scores, 1 - 1 / np.maximum(total, 1))


_MISSING = -1


@dataclass(eq=False)
class _Person:
    peaks: list[int]  # per joint
    score: float = 0.0  # of its joints and limbs


def _extend(
    people: list[_Person],
    owners: list[_Person],
    joint: int,
    peak: int,
    limb_score: float,
    peak_score: float,
) -> None:
    """Put a limb that ends in (joint, peak) into the people who own one of its ends."""
    first = owners[0]
    if len(owners) == 2 and _disjoint(first.peaks, owners[1].peaks):
        first.peaks = [max(pair) for pair in zip(first.peaks, owners[1].peaks, strict=True)]
        first.score += owners[1].score + limb_score
        people.remove(owners[1])
    elif first.peaks[joint] != peak:
        first.peaks[joint] = peak
        first.score += peak_score + limb_score


def _disjoint(one: list[int], other: list[int]) -> bool:
    return all(_MISSING in pair for pair in zip(one, other, strict=True))
