"""Peaks and limb scores inside the network's graph, so that maps need not leave it.

The same rules as `postprocess`, for at most K candidates of each joint: what comes out are a few
kilobytes instead of megabytes of maps, and `converter.bodypose.PeopleAssembler.of_graph` makes
people of them.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from training.bpnet.pose_config import PoseConfig
from training.bpnet.postprocess.limbs import NEEDED, SAMPLES
from training.bpnet.postprocess.peaks import LOSS, REACH, SMOOTH_SIGMA, SMOOTH_SIZE
from training.bpnet.postprocess.people import PeopleParser
from training.bpnet.postprocess.upsample import enlarger


class GraphParser(nn.Module):
    """Maps to the candidates of joints and the scores of limbs between them.

    Enlargement and thresholds are the defaults of `PeopleParser`.

    Args:
        pose: joints and limbs.
        count: K, candidates per joint.
    """

    def __init__(self, pose: PoseConfig, count: int) -> None:
        super().__init__()
        self.count, self.factor = count, PeopleParser.factor
        self.heatmap_threshold = PeopleParser.heatmap_threshold
        self.paf_threshold = PeopleParser.paf_threshold
        plain, smooth = enlarger(self.factor, REACH, SMOOTH_SIZE, SMOOTH_SIGMA)
        self.register_buffer("plain", torch.from_numpy(plain))
        self.register_buffer("smooth", torch.from_numpy(smooth))
        self.register_buffer("span", torch.arange(len(smooth)))
        self.register_buffer("earlier", torch.ones(count, count, dtype=torch.bool).tril(-1))
        topology = torch.from_numpy(pose.topology)
        self.register_buffer("starts", topology[:, 2].clone())
        self.register_buffer("ends", topology[:, 3].clone())
        self.register_buffer("along", torch.linspace(0, 1, SAMPLES))
        self.plain: torch.Tensor
        self.smooth: torch.Tensor
        self.span: torch.Tensor
        self.earlier: torch.Tensor
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
            Peaks (N, V, K, 3) as x, y in pixels of the enlarged map, score (0: none); limb scores
            (N, L, K, K), start by end, 0 where the limb is refused.
        """
        peaks = self._peaks(heatmaps[:, :-1])
        enlarged = functional.interpolate(pafs, scale_factor=self.factor, mode="bicubic")
        return peaks, self._limb_scores(enlarged, peaks)

    def _peaks(self, heatmaps: torch.Tensor) -> torch.Tensor:
        """The strongest cells' neighbourhoods are enlarged, see `postprocess.peaks.find_peaks`."""
        height, width = heatmaps.shape[2:]
        highest = functional.max_pool2d(heatmaps, 3, stride=1, padding=1)
        is_peak = (heatmaps == highest) & (heatmaps > self.heatmap_threshold * LOSS)
        strength, cell = (heatmaps * is_peak).flatten(2).topk(self.count, dim=2)
        row, column = cell // width, cell % width
        patches = self._patches(heatmaps, row, column)
        smooth = self.smooth @ patches @ self.smooth.T
        plain = self.plain @ patches @ self.plain.T
        y = ((row - REACH) * self.factor)[..., None] + self.span
        x = ((column - REACH) * self.factor)[..., None] + self.span
        in_y = (y >= 0) & (y < height * self.factor)
        in_x = (x >= 0) & (x < width * self.factor)
        inside = in_y[..., :, None] & in_x[..., None, :]
        best = torch.where(inside, smooth, -1e9).flatten(3).argmax(dim=3, keepdim=True)
        score = plain.flatten(3).gather(3, best)[..., 0]
        size = len(self.span)
        y = y.gather(3, best // size)[..., 0]
        x = x.gather(3, best % size)[..., 0]
        place = y * (width * self.factor) + x
        exists = (strength > 0) & (score > self.heatmap_threshold)
        same = (place[..., :, None] == place[..., None, :]) & exists[..., None, :]
        exists = exists & ~(same & self.earlier).any(dim=3)
        return torch.stack([x.float(), y.float(), torch.where(exists, score, 0.0)], dim=3)

    def _patches(
        self, heatmaps: torch.Tensor, row: torch.Tensor, column: torch.Tensor
    ) -> torch.Tensor:
        """(N, V, K, c, c): the cells around each, as many as the enlarging needs."""
        size = self.smooth.shape[1]
        half = size // 2
        padded = functional.pad(heatmaps, (half, half, half, half), mode="replicate")
        width = padded.shape[3]
        window = torch.arange(size, device=heatmaps.device)
        window = window[:, None] * width + window
        index = (row * width + column)[..., None, None] + window
        patches: torch.Tensor = padded.flatten(2).gather(2, index.flatten(2))
        return patches.reshape(index.shape)

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
        sampled = sampled.reshape(*sampled.shape[:3], self.count, self.count, SAMPLES)
        length = vector.square().sum(dim=4, keepdim=True).sqrt().clamp(min=1e-6)
        unit = (vector / length).permute(0, 1, 4, 2, 3)[..., None]  # (N, L, 2, K, K, 1)
        component = (sampled * unit).sum(dim=2)
        valid = (component > self.paf_threshold).float()
        count = valid.sum(dim=4)
        score: torch.Tensor = (component * valid).sum(dim=4) / count.clamp(min=1)
        exists = (start[..., 2] > 0) & (end[..., 2] > 0)
        return torch.where(exists & (count >= NEEDED), score, 0.0)
