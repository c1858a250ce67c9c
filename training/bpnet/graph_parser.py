"""Peaks and limb scores inside the network's graph, so that maps need not leave it.

The same rules as `postprocess`, for at most K candidates of each joint: what comes out are a few
kilobytes instead of megabytes of maps, and `converter.bodypose.PeopleAssembler.of_graph` makes
people of them.
"""

from __future__ import annotations

import cv2
import torch
from torch import nn
from torch.nn import functional

from training.bpnet.pose_config import PoseConfig

_SAMPLES, _NEEDED = 10, 9  # more than 0.8 of ten


class GraphParser(nn.Module):
    """Maps to the candidates of joints and the scores of limbs between them.

    Args:
        pose: joints and limbs.
        count: K, candidates per joint.
        factor: enlargement of the maps, pixels per cell.
        heatmap_threshold: least heatmap value of a joint.
        paf_threshold: least field component along a limb.
    """

    def __init__(
        self,
        pose: PoseConfig,
        count: int = 20,
        factor: int = 8,
        heatmap_threshold: float = 0.1,
        paf_threshold: float = 0.05,
    ) -> None:
        super().__init__()
        self.count, self.factor = count, factor
        self.heatmap_threshold, self.paf_threshold = heatmap_threshold, paf_threshold
        taps = torch.from_numpy(cv2.getGaussianKernel(5, 3)).float()
        self.register_buffer("smoothing", (taps @ taps.T).expand(pose.num_joints, 1, 5, 5).clone())
        topology = torch.from_numpy(pose.topology)
        self.register_buffer("starts", topology[:, 2].clone())
        self.register_buffer("ends", topology[:, 3].clone())
        self.register_buffer("along", torch.linspace(0, 1, _SAMPLES))
        self.smoothing: torch.Tensor
        self.starts: torch.Tensor
        self.ends: torch.Tensor
        self.along: torch.Tensor

    def forward(
        self, heatmaps: torch.Tensor, pafs: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Parse a batch.

        Args:
            heatmaps: (N, V + 1, h, w).
            pafs: (N, 2L, h, w), L limbs.

        Returns:
            Peaks (N, V, K, 3) as x, y in pixels of the enlarged map, score (0: none), best
            first; limb scores (N, L, K, K), start by end, 0 where the limb is refused.
        """
        peaks = self._peaks(self._enlarge(heatmaps[:, :-1]))
        return peaks, self._limb_scores(self._enlarge(pafs), peaks)

    def _enlarge(self, maps: torch.Tensor) -> torch.Tensor:
        return functional.interpolate(maps, scale_factor=self.factor, mode="bicubic")

    def _peaks(self, plain: torch.Tensor) -> torch.Tensor:
        joints, width = plain.shape[1], plain.shape[3]
        padded = functional.pad(plain, (2, 2, 2, 2), mode="replicate")
        smooth = functional.conv2d(padded, self.smoothing, groups=joints)
        highest = functional.max_pool2d(smooth, 3, stride=1, padding=1)
        is_peak = (smooth == highest) & (plain > self.heatmap_threshold)
        scores, place = (plain * is_peak).flatten(2).topk(self.count, dim=2)
        y, x = place // width, place % width
        return torch.stack([x.float(), y.float(), scores], dim=3)

    def _limb_scores(self, pafs: torch.Tensor, peaks: torch.Tensor) -> torch.Tensor:
        height, width = pafs.shape[2:]
        start = peaks[:, self.starts][:, :, :, None]  # (N, L, K, 1, 3)
        end = peaks[:, self.ends][:, :, None]  # (N, L, 1, K, 3)
        vector = end[..., :2] - start[..., :2]  # (N, L, K, K, 2)
        points = start[..., None, :2] + vector[..., None, :] * self.along[:, None]
        points = points.round().long()
        place = (points[..., 1] * width + points[..., 0]).flatten(2)  # (N, L, K K S)
        fields = pafs.reshape(pafs.shape[0], -1, 2, height * width)
        sampled = fields.gather(3, place[:, :, None].expand(-1, -1, 2, -1))
        sampled = sampled.reshape(*sampled.shape[:3], self.count, self.count, _SAMPLES)
        length = vector.square().sum(dim=4, keepdim=True).sqrt().clamp(min=1e-6)
        unit = (vector / length).permute(0, 1, 4, 2, 3)[..., None]  # (N, L, 2, K, K, 1)
        component = (sampled * unit).sum(dim=2)
        valid = (component > self.paf_threshold).float()
        count = valid.sum(dim=4)
        score: torch.Tensor = (component * valid).sum(dim=4) / count.clamp(min=1)
        exists = (start[..., 2] > 0) & (end[..., 2] > 0)
        return torch.where(exists & (count >= _NEEDED), score, 0.0)
