"""Training targets: part-affinity fields, joint heatmaps and background, vectorised over people."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from training.bpnet.arrays import Array
from training.bpnet.keypoints import labelled
from training.bpnet.pose_config import PoseConfig

_HEATMAP_FLOOR = 0.001


@dataclass(frozen=True)
class LabelEncoder:
    """Draws the labels of one image.

    Attributes:
        pose: Joints and limbs.
        target_shape: Height and width of the label maps in cells.
        stride: Input pixels per cell.
        heatmap_sigma: Standard deviation of a joint's Gaussian, input pixels.
        paf_width: Half the width of a limb's field, in cells.
        compat: Draw PAFs as the reference does: a later person's limb box erases what earlier
            people have there, and cells are measured at their top left corner.
    """

    pose: PoseConfig
    target_shape: tuple[int, int]
    stride: int
    heatmap_sigma: float = 7.0
    paf_width: float = 1.0
    compat: bool = False

    def __call__(self, joints: Array) -> Array:
        """(P, V, 3) joints in input pixels with `Visibility` -> (2K + V + 1, H, W) float32.

        Channels are PAFs (x, y per limb), heatmaps, background, as in the reference.
        """
        pafs = self._pafs_overwriting(joints) if self.compat else self._pafs(joints)
        heatmaps = self._heatmaps(joints)
        background = np.clip(1 - heatmaps.max(axis=0, keepdims=True), 0, 1)
        labels: Array = np.concatenate([pafs, heatmaps, background])
        return labels.astype(np.float32)

    def _centres(self) -> tuple[Array, Array]:
        """Input pixel of each row's and column's centre."""
        height, width = self.target_shape
        offset = (self.stride - 1) / 2
        return np.arange(height) * self.stride + offset, np.arange(width) * self.stride + offset

    def _heatmaps(self, joints: Array) -> Array:
        """(V, H, W): the largest Gaussian of all people at each cell."""
        rows, columns = self._centres()
        factor = 1 / (2 * self.heatmap_sigma**2)
        x, y = joints[..., 0, None], joints[..., 1, None]
        across = np.exp(-((columns - x) ** 2) * factor)  # (P, V, W)
        down = np.exp(-((rows - y) ** 2) * factor)  # (P, V, H)
        down[~labelled(joints[..., 2])] = 0
        blobs = down[..., :, None] * across[..., None, :]
        heatmaps = blobs.max(axis=0, initial=0.0)
        heatmaps[heatmaps < _HEATMAP_FLOOR] = 0
        return np.asarray(heatmaps)

    def _limbs(self, joints: Array) -> tuple[Array, ...]:
        """Start (P, K, 2), end (P, K, 2), length (P, K; 0 where the limb is not labelled)."""
        starts, ends = self.pose.topology[:, 2], self.pose.topology[:, 3]
        present = labelled(joints[..., 2])
        start, end = joints[:, starts, :2], joints[:, ends, :2]
        length = np.hypot(*np.moveaxis(end - start, -1, 0))
        length[~(present[:, starts] & present[:, ends])] = 0
        return start, end, length

    def _pafs(self, joints: Array) -> Array:
        """(2K, H, W): the mean unit vector of the people whose limb covers the cell.

        A limb covers the cells of its bounding box, grown by the field's half width, that lie no
        farther than that from the line through its ends.
        """
        start, end, length = self._limbs(joints)
        rows, columns = self._centres()
        reach = self.paf_width * self.stride
        unit = (end - start) / np.maximum(length, 1e-9)[..., None]
        low, high = np.minimum(start, end) - reach, np.maximum(start, end) + reach
        in_x = (columns >= low[..., :1]) & (columns <= high[..., :1])  # (P, K, W)
        in_y = (rows >= low[..., 1:]) & (rows <= high[..., 1:])  # (P, K, H)
        in_y &= (length > 0)[..., None]
        dx = (columns - start[..., :1]) * unit[..., 1:]
        dy = (rows - start[..., 1:]) * unit[..., :1]
        covers = np.abs(dx[..., None, :] - dy[..., :, None]) <= reach  # (P, K, H, W)
        covers &= in_x[..., None, :] & in_y[..., :, None]
        fields: Array = np.einsum("pkhw,pkc->kchw", covers.astype(np.float64), unit)
        fields /= np.maximum(covers.sum(axis=0), 1)[:, None]
        return fields.reshape(-1, *self.target_shape)

    def _pafs_overwriting(self, joints: Array) -> Array:
        """(2K, H, W) as the reference draws them, see `compat`."""
        pafs = np.zeros((self.pose.paf_channels // 2, 2, *self.target_shape))
        reach = self.paf_width * self.stride
        size = self.target_shape[::-1]
        start, end, length = self._limbs(joints)
        low = np.rint((np.minimum(start, end) - reach) / self.stride).astype(int).clip(0, size)
        high = np.rint((np.maximum(start, end) + reach) / self.stride).astype(int).clip(0, size)
        for person, limb in np.argwhere(length > 0):
            (x0, y0), (x1, y1) = low[person, limb], high[person, limb]
            rows, columns = np.mgrid[y0:y1, x0:x1] * self.stride
            unit = (end[person, limb] - start[person, limb]) / length[person, limb]
            dx, dy = columns - start[person, limb, 0], rows - start[person, limb, 1]
            covers = np.abs(dx * unit[1] - dy * unit[0]) <= reach
            pafs[limb, :, y0:y1, x0:x1] = covers * unit[:, None, None]
        return pafs.reshape(-1, *self.target_shape)
