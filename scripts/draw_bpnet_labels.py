"""Draw what BodyPoseNet is trained on and what is made of its maps: docs/images/bpnet_labels.png.

    python -m scripts.draw_bpnet_labels [--output FILE]

Stick figures, so that nobody's photo is needed. From left to right: the image; the loss mask (a
crowd without keypoints is black); the joints' heatmaps; the limbs' fields, hue by direction; the
people that the post-processing finds in these maps.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np

from converter.bodypose import People
from converter.bodypose.photo import STRIDE, Placement
from tests.training.bpnet.figures import POSE, draw, standing
from training.bpnet.arrays import Array
from training.bpnet.coco import Person
from training.bpnet.labels import LabelEncoder
from training.bpnet.masks import loss_mask
from training.bpnet.postprocess import PeopleParser
from training.bpnet.visualise import SkeletonPainter

SIDE = 320
CROWD = (0, 0, 90, 70)  # x, y, width, height


def main() -> None:
    """Draw the panels side by side."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("docs/images/bpnet_labels.png"))
    output = parser.parse_args().output
    rng = np.random.default_rng(2)
    joints = np.zeros((2, POSE.num_joints, 3))
    joints[0, :, :2] = standing(30, 60, 130, 240, rng)
    joints[1, :, :2] = standing(165, 30, 140, 270, rng)
    image = draw(np.full((SIDE, SIDE, 3), 55, np.uint8), joints)
    labels = LabelEncoder(POSE, (SIDE // STRIDE, SIDE // STRIDE), STRIDE)(joints).transpose(1, 2, 0)
    pafs = np.ascontiguousarray(labels[..., : POSE.paf_channels])
    heatmaps = np.ascontiguousarray(labels[..., POSE.paf_channels :])
    found = PeopleParser(POSE)(heatmaps, pafs)
    points = Placement((1.0, 1.0)).to_photo(found.keypoints)
    people = People(points, found.joint_scores, found.scores)
    plain = np.full((SIDE, SIDE, 3), 55, np.uint8)
    panels = [image, mask(), heat(heatmaps), fields(pafs), SkeletonPainter(POSE)(plain, people)]
    gap = np.full((SIDE, 6, 3), 255, np.uint8)
    row = np.concatenate([part for panel in panels for part in (panel, gap)][:-1], axis=1)
    output.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(output), cv2.cvtColor(row, cv2.COLOR_RGB2BGR))


def mask() -> Array:
    """The loss mask of a crowd in the corner."""
    x, y, width, height = CROWD
    segment = [[x, y, x + width, y, x + width, y + height, x, y + height]]
    crowd = Person(np.zeros((17, 3)), 0, CROWD, 1.0, True, segment)
    return np.asarray(cv2.cvtColor(loss_mask([crowd], SIDE, SIDE), cv2.COLOR_GRAY2RGB))


def heat(heatmaps: Array) -> Array:
    """The largest heatmap of all joints, as colours."""
    cells = (heatmaps[..., :-1].max(axis=2) * 255).astype(np.uint8)
    value = cv2.resize(cells, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    colours = cv2.applyColorMap(value, cv2.COLORMAP_INFERNO)
    return np.asarray(cv2.cvtColor(colours, cv2.COLOR_BGR2RGB))


def fields(pafs: Array) -> Array:
    """The sum of the limbs' fields: hue is direction, brightness is length."""
    x, y = pafs[..., 0::2].sum(axis=2), pafs[..., 1::2].sum(axis=2)
    hue = ((np.arctan2(y, x) + np.pi) / (2 * np.pi) * 179).astype(np.uint8)
    length = (np.hypot(x, y).clip(0, 1) * 255).astype(np.uint8)
    colours = np.stack([hue, np.full_like(hue, 200), length], axis=2)
    picture = cv2.cvtColor(colours, cv2.COLOR_HSV2RGB)
    return np.asarray(cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_NEAREST))


if __name__ == "__main__":
    main()
