"""People drawn into photos: the same look at every resolution."""

from __future__ import annotations

import colorsys

import cv2
import numpy as np

from converter.bodypose import People
from training.bpnet.arrays import Array
from training.bpnet.pose_config import PoseConfig

_SUBPIXEL = 4  # fractional bits of OpenCV's coordinates
_OPACITY = 0.85


class SkeletonPainter:
    """Draws limbs and joints: left in blues, right in oranges, the middle in greens.

    Args:
        pose: joints and limbs.
    """

    def __init__(self, pose: PoseConfig) -> None:
        self.pose = pose
        self._limb_colours = [_colour(pose, outer) for _, outer in pose.limbs]
        self._joint_colours = [_colour(pose, joint) for joint in range(pose.num_joints)]

    def __call__(self, photo: Array, people: People) -> Array:
        """(H, W, 3) uint8 RGB -> a copy with the people drawn into it."""
        canvas = photo.copy()
        for points, scores in zip(people.keypoints, people.joint_scores, strict=True):
            self._person(canvas, points, scores > 0, photo.shape)
        return cv2.addWeighted(canvas, _OPACITY, photo, 1 - _OPACITY, 0)

    def _person(self, canvas: Array, points: Array, found: Array, shape: tuple[int, ...]) -> None:
        width = _line_width(points[found], shape)
        fixed = np.rint(points * 2**_SUBPIXEL).astype(int).tolist()
        dark = (20, 20, 20)
        limbs = [
            (fixed[a], fixed[b], colour)
            for (a, b), colour in zip(self.pose.limbs, self._limb_colours, strict=True)
            if found[a] and found[b]
        ]
        for start, end, _ in limbs:  # a dark rim, so that the colours show on any ground
            cv2.line(canvas, start, end, dark, width + max(2, width // 2), cv2.LINE_AA, _SUBPIXEL)
        for start, end, colour in limbs:
            cv2.line(canvas, start, end, colour, width, cv2.LINE_AA, _SUBPIXEL)
        for joint in np.flatnonzero(found):
            radius = round(0.9 * width * 2**_SUBPIXEL)
            cv2.circle(canvas, fixed[joint], radius, dark, -1, cv2.LINE_AA, _SUBPIXEL)
            inner = round(0.6 * width * 2**_SUBPIXEL)
            colour = self._joint_colours[joint]
            cv2.circle(canvas, fixed[joint], inner, colour, -1, cv2.LINE_AA, _SUBPIXEL)


def _line_width(points: Array, shape: tuple[int, ...]) -> int:
    """Thicker in larger images, thinner on small people."""
    largest = max(shape[0], shape[1]) / 160 + 1
    extent = float(np.ptp(points, axis=0).max()) / 40 if len(points) else largest
    return max(1, round(min(largest, extent)))


def _colour(pose: PoseConfig, joint: int) -> tuple[int, int, int]:
    """RGB with a hue by the side of a joint, varied along the body."""
    words = pose.joints[joint].split("_")
    share = joint / max(pose.num_joints - 1, 1)
    if "left" in words or "l" in words:
        hue = 0.52 + 0.12 * share
    elif "right" in words or "r" in words:
        hue = 0.02 + 0.10 * share
    else:
        hue = 0.30 + 0.10 * share
    red, green, blue = colorsys.hsv_to_rgb(hue, 0.75, 1.0)
    return round(red * 255), round(green * 255), round(blue * 255)
