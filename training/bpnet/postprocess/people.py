"""The whole way from maps to people."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from converter.bodypose import People, PeopleAssembler
from training.bpnet.arrays import Array
from training.bpnet.pose_config import PoseConfig
from training.bpnet.postprocess.limbs import find_limbs
from training.bpnet.postprocess.peaks import find_peaks


@dataclass(frozen=True)
class PeopleParser:
    """Heatmaps and PAFs to people, with the reference's constants.

    Attributes:
        pose: joints and limbs.
        factor: enlargement of the maps, pixels per cell.
        heatmap_threshold: least heatmap value of a joint.
        paf_threshold: least field component along a limb.
        min_joints: see `PeopleAssembler`.
        min_mean_score: the same.
    """

    pose: PoseConfig
    factor: int = 8
    heatmap_threshold: float = 0.1
    paf_threshold: float = 0.05
    min_joints: int = PeopleAssembler.min_joints
    min_mean_score: float = PeopleAssembler.min_mean_score

    @cached_property
    def assemble(self) -> PeopleAssembler:
        """Joins limbs into people."""
        return PeopleAssembler(
            self.pose.num_joints, self.pose.limbs, self.min_joints, self.min_mean_score
        )

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
