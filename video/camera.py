"""From metric poses around the hips to poses in front of a camera."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
# A person is at least this far from the camera; in metres.
NEAREST = 0.3


def place(
    world: Floats, pixels: Floats, weights: Floats, focal: float, size: tuple[int, int]
) -> Floats:
    """Find where a person stands whose shape and image are known.

    A pinhole camera without distortion, its centre in the middle of the frame, sees joint
    `w + t` at `u = f (w + t)_xy / (w + t)_z + c`. That is linear in the translation t, and t is its
    weighted least-squares solution.

    Args:
        world: (V, 3) metres around any point, on the camera's axes.
        pixels: (V, 2) where the joints are in the frame.
        weights: (V,) how much to trust each joint.
        focal: Focal length in pixels.
        size: (width, height) of the frame in pixels.

    Returns:
        (V, 3) float32: metres from the camera, x right, y down, z forward.
    """
    ray = (pixels - np.divide(size, 2)) / focal  # (V, 2)
    # t_xy - ray t_z = ray w_z - w_xy, one row for x and one for y of every joint.
    rows = np.zeros((len(world), 2, 3))
    rows[:, 0, 0] = rows[:, 1, 1] = 1
    rows[:, :, 2] = -ray
    right = ray * world[:, 2:] - world[:, :2]
    root = np.sqrt(weights)[:, None]
    solution = np.linalg.lstsq(
        (rows * root[..., None]).reshape(-1, 3), (right * root).ravel(), rcond=None
    )[0]
    if solution[2] < NEAREST - world[:, 2].min():  # the joints do not look like a person in front
        depth = _depth_by_size(world, ray, weights)
        centre = np.average(ray * depth - world[:, :2], axis=0, weights=weights)
        solution = np.append(centre, depth)
    return np.asarray(world + solution, dtype=np.float32)


def _depth_by_size(world: Floats, ray: Floats, weights: Floats) -> float:
    """Depth in metres at which the person would be as large as in the image."""

    def spread(points: Floats) -> float:
        centre = np.average(points, axis=0, weights=weights)
        return float(np.sqrt(np.average((points - centre) ** 2, axis=0, weights=weights).sum()))

    depth = spread(world[:, :2]) / max(spread(ray), 1e-9)
    return max(depth, NEAREST - float(world[:, 2].min()))
