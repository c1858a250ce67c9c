"""Draw what BodyPoseNet is trained on and what is made of its maps: docs/images/bpnet_labels.jpg.

    python -m scripts.draw_bpnet_labels [--output FILE]

The photo is a frame of `samples/three_people.mp4`, its joints those of `video.poses`. One of the
three people is left without keypoints, as many are in COCO. From left to right: the photo; the loss
mask, dark where nothing is judged; the joints' heatmaps; the limbs' fields, hue by direction; the
people that the post-processing finds in these maps.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from converter import get_layout
from converter.bodypose.photo import STRIDE, Placement
from converter.command_line import Parser
from scripts.command import program
from scripts.triton_wheel import ROOT
from training.bpnet.arrays import Array
from training.bpnet.coco import Person
from training.bpnet.keypoints import Visibility
from training.bpnet.labels import LabelEncoder
from training.bpnet.masks import loss_mask
from training.bpnet.pose_config import PoseConfig
from training.bpnet.postprocess import PeopleParser
from training.bpnet.visualise import SkeletonPainter
from video.capture import Video
from video.sources.mediapipe import MediaPipe

SAMPLE = ROOT / "samples" / "three_people.mp4"
FRAME, FOCAL = 40, 800.0
POSE = PoseConfig.load()
CUT, ROWS, GAP = np.s_[200:600], np.s_[40:310], 6  # what of the frame is shown


@program("draw_bpnet_labels")
def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    about = __doc__.splitlines()[0]
    parser = Parser(prog="python -m scripts.draw_bpnet_labels", description=about)
    parser.add_argument("--output", type=Path, default=Path("docs/images/bpnet_labels.jpg"))
    draw(parser.parse_args(argv).output)
    return 0


def draw(output: Path) -> None:
    """Draw the panels."""
    photo, people = sample()
    height, width = photo.shape[:2]
    hidden, labelled = people[:1], people[1:]
    encoder = LabelEncoder(POSE, (height // STRIDE, width // STRIDE), STRIDE)
    labels = encoder(labelled).transpose(1, 2, 0)
    pafs = np.ascontiguousarray(labels[..., : POSE.paf_channels])
    heatmaps = np.ascontiguousarray(labels[..., POSE.paf_channels :])
    found = Placement((1.0, 1.0)).people_in_photo(PeopleParser(POSE)(heatmaps, pafs))
    mask = loss_mask([unlabelled(joints) for joints in hidden], height, width)
    panels = [
        photo,
        np.where(mask[..., None] > 0, photo, photo // 8),
        over(photo, heat(heatmaps)),
        over(photo, fields(pafs)),
        SkeletonPainter(POSE)(photo, found),
    ]
    gap = np.full((height, GAP, 3), 255, np.uint8)
    row = np.hstack([part for panel in panels for part in (panel[:, CUT], gap)][:-1])
    output.parent.mkdir(parents=True, exist_ok=True)
    picture = cv2.cvtColor(row[ROWS], cv2.COLOR_RGB2BGR)
    cv2.imwrite(str(output), picture, [cv2.IMWRITE_JPEG_QUALITY, 85])


def sample() -> tuple[Array, Array]:
    """A frame (H, W, 3) RGB, sides multiples of the stride, and joints (P, V, 3) of its people."""
    video = Video(str(SAMPLE))
    finder = MediaPipe(3, video.rate, FOCAL)
    for frame in video.frames():
        people = finder.people(frame.image, frame.seconds)
        if frame.number >= FRAME and len(people) == 3:
            break
    video.close()
    index = [get_layout("nvidia").joints.index(joint) for joint in POSE.joints]
    joints = np.stack([person.pose25d[index] for person in people]).astype(np.float64)
    missing = joints[..., 3] < 0.3
    joints = joints[..., :3]
    joints[..., 2] = np.where(missing, Visibility.NOT_LABELED, Visibility.VISIBLE)
    order = np.argsort(joints[..., 0].mean(axis=1))
    height, width = (side // STRIDE * STRIDE for side in frame.image.shape[:2])
    return cv2.cvtColor(frame.image[:height, :width], cv2.COLOR_BGR2RGB), joints[order]


def unlabelled(joints: Array) -> Person:
    """A person whose keypoints nobody has labelled: the outline of the body."""
    points = joints[:, :2].astype(np.float32)
    hull = cv2.convexHull(points)[:, 0]
    outline = (hull - hull.mean(axis=0)) * 1.15 + hull.mean(axis=0)
    x, y = outline.min(axis=0)
    width, height = outline.max(axis=0) - (x, y)
    box = (float(x), float(y), float(width), float(height))
    return Person(np.zeros((17, 3)), 0, box, 1.0, False, [outline.ravel().tolist()])


def over(photo: Array, colours: Array) -> Array:
    """Colours laid over a darkened photo."""
    return np.asarray(np.maximum(photo // 3, colours))


def heat(heatmaps: Array) -> Array:
    """The largest heatmap of all joints, as colours."""
    cells = (heatmaps[..., :-1].max(axis=2) * 255).astype(np.uint8)
    value = cv2.resize(cells, None, fx=STRIDE, fy=STRIDE, interpolation=cv2.INTER_CUBIC)
    colours = cv2.applyColorMap(value, cv2.COLORMAP_INFERNO)
    return np.asarray(cv2.cvtColor(colours, cv2.COLOR_BGR2RGB))


def fields(pafs: Array) -> Array:
    """The sum of the limbs' fields: hue is direction, brightness is length."""
    x, y = pafs[..., 0::2].sum(axis=2), pafs[..., 1::2].sum(axis=2)
    hue = ((np.arctan2(y, x) + np.pi) / (2 * np.pi) * 179).astype(np.uint8)
    length = (np.hypot(x, y).clip(0, 1) * 255).astype(np.uint8)
    colours = np.stack([hue, np.full_like(hue, 200), length], axis=2)
    picture = cv2.cvtColor(colours, cv2.COLOR_HSV2RGB)
    return np.asarray(
        cv2.resize(picture, None, fx=STRIDE, fy=STRIDE, interpolation=cv2.INTER_NEAREST)
    )


if __name__ == "__main__":
    sys.exit(main())
