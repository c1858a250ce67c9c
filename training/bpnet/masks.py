"""Where the loss counts: everywhere but on crowds and on people without keypoints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from faster_coco_eval.core import mask as rle

from training.bpnet.arrays import Array
from training.bpnet.coco import Person

_REACH = 4  # times the image's longer side, as far as a polygon may lead


def loss_mask(people: Sequence[Person], height: int, width: int, compat: bool = False) -> Array:
    """(H, W) uint8: 255 where the loss counts, 0 on regions that training must not judge.

    Args:
        people: all annotations of the image.
        height: of the image, pixels.
        width: of the image, pixels.
        compat: As the reference does, give only crowds, not people without keypoints, back to a
            labelled person who stands before them.

    Raises:
        ValueError: a segmentation cannot be read.
    """
    labelled, unlabelled, crowd = (np.zeros((height, width), bool) for _ in range(3))
    for person in people:
        if person.iscrowd:
            region = crowd
        elif person.num_keypoints <= 0:
            region = unlabelled
        else:
            region = labelled
        region |= segment(person.segmentation, height, width)
    given_back = labelled & ~unlabelled if compat else labelled
    ignored = (crowd | unlabelled) & ~given_back
    return np.where(ignored, np.uint8(0), np.uint8(255))


def segment(segmentation: Any, height: int, width: int) -> Array:
    """(H, W) bool from COCO's polygons, run lengths or compressed run lengths.

    Raises:
        ValueError: it is none of them, or of an image of another size.
    """
    if not segmentation:
        return np.zeros((height, width), bool)
    try:
        _check(segmentation, height, width)
        if isinstance(segmentation, list):
            encoded = rle.merge(rle.frPyObjects(segmentation, height, width))
        elif isinstance(segmentation["counts"], list):
            encoded = rle.frPyObjects(segmentation, height, width)
        else:
            encoded = segmentation
        pixels: Array = rle.decode(encoded).reshape(height, width)
    except Exception as error:  # the C library raises many kinds
        raise ValueError(f"segmentation cannot be read: {error}") from None
    return pixels.astype(bool)


def _check(segmentation: Any, height: int, width: int) -> None:
    """Refuse what the C library would take wrongly, or for ever."""
    reach = _REACH * max(height, width)
    for part in segmentation if isinstance(segmentation, list) else [segmentation]:
        if isinstance(part, dict):
            if list(part["size"]) != [height, width]:
                raise ValueError(f"its size {part['size']} is not [{height}, {width}]")
        elif any(abs(number) > reach for number in part):
            raise ValueError("a polygon is far outside the image")
