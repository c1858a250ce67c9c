"""Random affine views of a photo: one matrix moves the image, its mask and the joints."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from training.bpnet.arrays import Array
from training.bpnet.dataloader_spec import SpatialAugParams
from training.bpnet.pose_config import PoseConfig

IMAGE_BORDER = 127
MASK_BORDER = 255


@dataclass(frozen=True)
class View:
    """What was drawn for one sample.

    Attributes:
        matrix: (3, 3) photo pixels to input pixels.
        mirrored: left and right have changed places.
    """

    matrix: Array
    mirrored: bool


@dataclass(frozen=True)
class SpatialAugmenter:
    """Draws views.

    Attributes:
        mode: `person_centric`, `standard` or `standard_with_fixed_aspect_ratio`.
        params: the ranges.
        input_size: height, width of the network's input.
    """

    mode: str
    params: SpatialAugParams
    input_size: tuple[int, int]

    def draw(
        self,
        rng: np.random.Generator,
        photo_size: tuple[int, int],
        center: Array,
        person_height: float,
    ) -> View:
        """A random view of a photo.

        Args:
            rng: where chance comes from.
            photo_size: height, width.
            center: (2,) x, y of the person to train around; used by `person_centric`.
            person_height: of that person, photo pixels; used by `person_centric`.
        """
        params = self.params
        height, width = self.input_size
        flip_lr, flip_tb = rng.random(2) < (params.flip_lr_prob, params.flip_tb_prob)
        angle = np.radians(rng.uniform(*params.limits("rotate_deg_min", "rotate_deg_max")))
        shift = self._shift(rng, photo_size)
        zoom = 1.0
        if rng.random() < params.zoom_prob:
            zoom = rng.uniform(params.zoom_ratio_min, params.zoom_ratio_max)
        photo_height, photo_width = photo_size
        if self.mode == "person_centric":
            scale = params.target_person_scale / (person_height / width * zoom + 1e-5)
            scales = scale, scale
            middle = float(width // 2), float(height // 2)
        else:
            center = np.array([photo_width / 2, photo_height / 2])
            scale_x, scale_y = width / photo_width / zoom, height / photo_height / zoom
            if self.mode == "standard":
                scale_x = scale_y = min(scale_x, scale_y)
            scales = scale_x, scale_y
            middle = width / 2, height / 2
        signs = np.where([flip_lr, flip_tb], -1, 1)
        matrix = _translation(*middle) @ np.diag([*(signs * scales), 1.0])
        matrix = matrix @ _rotation(angle) @ _translation(*-(center + shift))
        # A mirror image in one direction swaps left and right; in both it is a rotation.
        return View(matrix, bool(flip_lr) != bool(flip_tb))

    def _shift(self, rng: np.random.Generator, photo_size: tuple[int, int]) -> Array:
        params = self.params
        if params.use_translate_ratio:
            low, high = params.limits("translate_ratio_min", "translate_ratio_max")
            return rng.uniform(low, high, 2) * photo_size[::-1]
        return np.array(
            [
                rng.uniform(*params.limits(f"translate_min_{axis}", f"translate_max_{axis}"))
                for axis in "xy"
            ]
        )


def view_image(image: Array, view: View, size: tuple[int, int], border: int) -> Array:
    """(H, W[, C]) uint8 seen through a view: `size` (height, width), bilinear."""
    return cv2.warpAffine(
        image,
        view.matrix[:2],
        size[::-1],
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=(border, border, border),
    )


def view_joints(joints: Array, view: View, pose: PoseConfig) -> Array:
    """(P, V, 3) joints of a photo -> the same in input pixels, float64."""
    seen = np.array(joints, np.float64)
    seen[..., :2] = seen[..., :2] @ view.matrix[:2, :2].T + view.matrix[:2, 2]
    return seen[:, pose.mirror] if view.mirrored else seen


def _translation(x: float, y: float) -> Array:
    return np.array([[1, 0, x], [0, 1, y], [0, 0, 1]], np.float64)


def _rotation(angle: float) -> Array:
    cos, sin = np.cos(angle), np.sin(angle)
    return np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]], np.float64)
