"""A COCO data set of drawn figures, small enough to make in every test."""

import json

import cv2
import numpy as np

from tests.training.bpnet.figures import POSE, draw
from training.bpnet.dataset_spec import load_dataset_spec
from training.bpnet.pose_config import DEFAULT_POSE_CONFIG

SPECS = DEFAULT_POSE_CONFIG.parent
COCO_JOINTS = load_dataset_spec(SPECS / "coco_spec.json").person.keypoints


def annotation(image_id, joints, names=COCO_JOINTS, **changes):
    """One person: joints (V, 2) in the network's order, everything labelled visible."""
    points = np.array([joints[POSE.joints.index(name)] for name in names])
    low, high = points.min(axis=0) - 4, points.max(axis=0) + 4
    (x, y), (w, h) = low.tolist(), (high - low).tolist()
    return {
        "id": int(abs(x * 1000 + y)) + image_id,
        "image_id": image_id,
        "category_id": 1,
        "iscrowd": 0,
        "num_keypoints": len(names),
        "keypoints": np.c_[points, np.full(len(names), 2)].ravel().tolist(),
        "bbox": [x, y, w, h],
        "area": w * h,
        "segmentation": [[x, y, x + w, y, x + w, y + h, x, y + h]],
        **changes,
    }


def make_dataset(root, scenes, split="train", size=(256, 256), annotations=None):
    """Images and annotations of one split.

    Args:
        root: folder of the data set.
        scenes: per image the people's joints (P, V, 2 or 3).
        split: train or val.
        size: height, width of the images.
        annotations: instead of those of the scenes.
    """
    folder = root / f"{split}2017"
    folder.mkdir(parents=True)
    images, people = [], []
    for image_id, joints in enumerate(scenes, start=1):
        picture = draw(np.full((*size, 3), 40, np.uint8), joints)
        name = f"{image_id:012}.png"
        cv2.imwrite(str(folder / name), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
        images.append({"id": image_id, "file_name": name, "height": size[0], "width": size[1]})
        people += [annotation(image_id, person[:, :2]) for person in joints]
    document = {
        "images": images,
        "annotations": people if annotations is None else annotations,
        "categories": [{"id": 1, "name": "person", "keypoints": COCO_JOINTS, "skeleton": []}],
    }
    path = root / "annotations" / f"person_keypoints_{split}2017.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(document))
    return document


def write_dataset_spec(root, **changes):
    """The shipped coco_spec.json with this root; returns its path."""
    tree = json.loads((SPECS / "coco_spec.json").read_text())
    tree |= {"root_directory_path": str(root), **changes}
    path = root / "coco_spec.json"
    path.write_text(json.dumps(tree))
    return path
