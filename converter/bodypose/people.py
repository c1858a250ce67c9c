"""Limbs to people: those that share a joint belong to one person."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from converter.bodypose.candidates import Array, Limbs, Peaks, match


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
class PeopleAssembler:
    """Joins limbs into people, with the reference's constants.

    Attributes:
        num_joints: V.
        limbs: pairs (start, end) of joints; limb k is the k-th.
        min_joints: people with fewer joints are dropped.
        min_mean_score: people whose score per joint is lower are dropped.
    """

    num_joints: int
    limbs: tuple[tuple[int, int], ...]
    min_joints: int = 4
    min_mean_score: float = 0.4

    def __call__(self, peaks: Peaks, limbs: Limbs) -> People:
        """Matched limbs -> people, in the order in which their first limb comes."""
        scores = peaks.score.tolist()
        people: list[_Person] = []
        columns = (limbs.limb, limbs.start, limbs.end, limbs.score)
        for limb, start, end, score in zip(*(c.tolist() for c in columns), strict=True):
            a, b = self.limbs[limb]
            owners = [p for p in people if p.peaks[a] == start or p.peaks[b] == end]
            if owners:
                _extend(people, owners, b, end, score, scores[end])
            elif limb not in self._closing:
                person = _Person([_MISSING] * self.num_joints)
                person.peaks[a], person.peaks[b] = start, end
                person.score = scores[start] + scores[end] + score
                people.append(person)
        return self._people([p for p in people if self._is_whole(p)], peaks)

    def of_graph(self, peaks: Array, limb_scores: Array) -> People:
        """Match and assemble what a network with peaks and limb scores in its graph gives.

        Args:
            peaks: (V, K, 3) x, y, score of at most K candidates per joint; a score of 0: none.
            limb_scores: (L, K, K) start by end; 0 where the limb is refused.
        """
        joint, rank = np.nonzero(peaks[..., 2] > 0)
        number = np.full(peaks.shape[:2], -1)
        number[joint, rank] = np.arange(len(joint))
        places = peaks[joint, rank]
        x, y = places[:, 0].astype(np.int64), places[:, 1].astype(np.int64)
        limb, start, end = np.nonzero(limb_scores > 0)
        ends = np.asarray(self.limbs, np.int64)
        chosen = match(
            limb,
            number[ends[limb, 0], start],
            number[ends[limb, 1], end],
            limb_scores[limb, start, end],
        )
        return self(Peaks(joint, x, y, places[:, 2]), chosen)

    @cached_property
    def _closing(self) -> set[int]:
        """Limbs that bring no joint of their own: they complete people and start none."""
        known: set[int] = set()
        closing = set()
        for limb, ends in enumerate(self.limbs):
            if known.issuperset(ends):
                closing.add(limb)
            known.update(ends)
        return closing

    def _is_whole(self, person: _Person) -> bool:
        count = len(person.peaks) - person.peaks.count(_MISSING)
        return count >= self.min_joints and person.score / count >= self.min_mean_score

    def _people(self, people: list[_Person], peaks: Peaks) -> People:
        index = np.asarray([p.peaks for p in people], np.int64).reshape(-1, self.num_joints)
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
