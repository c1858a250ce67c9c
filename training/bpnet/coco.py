"""Person annotations in COCO's form, read one by one so that a damaged one costs only itself."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import msgspec
import numpy as np

from converter import InputError
from training.bpnet.arrays import Array


class Image(msgspec.Struct, frozen=True):
    """An entry of `images`; records have 64 bits for its id."""

    id: Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
    file_name: str
    height: int
    width: int


class _Annotation(msgspec.Struct, frozen=True):
    image_id: int
    bbox: tuple[float, float, float, float]
    category_id: int = 1
    iscrowd: bool | int = 0
    area: float | None = None
    num_keypoints: int | None = None
    keypoints: list[float] = []
    segmentation: Any = None


class _Document(msgspec.Struct, frozen=True):
    images: list[msgspec.Raw]
    annotations: list[msgspec.Raw]


@dataclass(frozen=True, eq=False)
class Person:
    """One annotated person.

    Attributes:
        keypoints: (V_src, 3) x, y in pixels, data-set visibility flag.
        num_keypoints: how many of them are labelled.
        bbox: x, y, width, height.
        area: of the segment, square pixels.
        iscrowd: the annotation stands for a group.
        segmentation: polygons or run lengths, see `masks`.
    """

    keypoints: Array
    num_keypoints: int
    bbox: tuple[float, float, float, float]
    area: float
    iscrowd: bool
    segmentation: Any

    @property
    def centre(self) -> tuple[float, float]:
        """Centre of the box."""
        x, y, width, height = self.bbox
        return x + width / 2, y + height / 2

    @property
    def size(self) -> float:
        """The box's longer side."""
        return max(self.bbox[2:])


@dataclass(frozen=True)
class CocoAnnotations:
    """Images and their people.

    Attributes:
        images: by id, in the file's order.
        people: by image id; images without people are absent.
        damaged: a line for each entry that was left out.
    """

    images: dict[int, Image]
    people: dict[int, list[Person]]
    damaged: list[str]


def read_coco(path: Path, keypoints: Sequence[str], category_id: int = 1) -> CocoAnnotations:
    """Read a `person_keypoints_*.json`.

    Args:
        path: the file.
        keypoints: names of the keypoints that each person has.
        category_id: other categories are ignored.

    Raises:
        InputError: the file cannot be read or is not COCO's form as a whole.
    """
    try:
        document = msgspec.json.decode(path.read_bytes(), type=_Document)
    except (OSError, msgspec.DecodeError) as error:
        raise InputError(f"{path}: cannot read COCO annotations: {error}") from None
    damaged: list[str] = []
    images: dict[int, Image] = {}
    photos: dict[Path, int] = {}
    for index, raw in enumerate(document.images):
        try:
            image = msgspec.json.decode(raw, type=Image)
            _check_image(image)
            if image.id in images:
                raise ValueError(f"id {image.id} is already that of an earlier image")
            first = photos.setdefault(Path(image.file_name), image.id)
            if first != image.id:
                raise ValueError(f"file_name {image.file_name!r} is already that of image {first}")
            images[image.id] = image
        except (msgspec.DecodeError, ValueError) as error:
            damaged.append(f"images[{index}]: {error}")
    people: dict[int, list[Person]] = defaultdict(list)
    for index, raw in enumerate(document.annotations):
        try:
            annotation = msgspec.json.decode(raw, type=_Annotation, strict=False)
            if annotation.category_id == category_id:
                _check(annotation, images, len(keypoints))
                people[annotation.image_id].append(_person(annotation, len(keypoints)))
        except (msgspec.DecodeError, ValueError) as error:
            damaged.append(f"annotations[{index}]: {error}")
    return CocoAnnotations(images, dict(people), damaged)


def _check_image(image: Image) -> None:
    path = Path(image.file_name)
    if not path.name:
        raise ValueError(f"file_name {image.file_name!r} names no file")
    if path.is_absolute() or ".." in path.parts:
        raise ValueError(f"file_name {image.file_name!r} leads out of the image folder")


def _check(annotation: _Annotation, images: dict[int, Image], count: int) -> None:
    if annotation.image_id not in images:
        raise ValueError(f"image_id {annotation.image_id} is not in the images")
    if len(annotation.keypoints) not in (0, 3 * count):
        raise ValueError(f"{len(annotation.keypoints)} keypoint numbers instead of {3 * count}")
    if not all(map(math.isfinite, (*annotation.bbox, *annotation.keypoints))):
        raise ValueError("a number is not finite")
    if min(annotation.bbox[2:]) <= 0:
        raise ValueError(f"bbox {list(annotation.bbox)} is empty")


def _person(annotation: _Annotation, count: int) -> Person:
    keypoints = np.zeros((count, 3))
    if annotation.keypoints:
        keypoints = np.asarray(annotation.keypoints, np.float64).reshape(count, 3)
    labelled = annotation.num_keypoints
    if labelled is None:
        labelled = int((keypoints[:, 2] > 0).sum())
    area = annotation.area
    if area is None:
        area = annotation.bbox[2] * annotation.bbox[3]
    return Person(
        keypoints,
        labelled,
        annotation.bbox,
        area,
        bool(annotation.iscrowd),
        annotation.segmentation,
    )
