"""Persons in a picture: skeleton, box, and a label with id, action and score."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import chain
from math import isfinite

import cv2
import numpy as np
from numpy.typing import NDArray

from video.overlay.style import Bgr, Style, bgr
from video.overlay.text import Picture, draw_text, line_height, text_width
from video.results import palette
from video.results.document import LAYOUT, Person
from video.results.skeleton import side_of
from video.results.view import View

Rectangle = tuple[int, int, int, int]  # left, top, right, bottom

_SHIFT = 4  # OpenCV takes places in 16ths of a pixel
_INK = bgr(palette.INK)


_BONES = [(a, b, bgr(side_of(a, b))) for a, b in LAYOUT.edges]
_JOINTS = [bgr(side_of(joint)) for joint in range(LAYOUT.num_joints)]
_ENDS = Counter(chain.from_iterable(LAYOUT.edges))  # fingers, toes and ears have one bone only


def draw_skeleton(picture: Picture, joints: NDArray[np.float64], style: Style) -> None:
    """Draw bones and joints, as opaque as the network was sure of them.

    Args:
        picture: (height, width, 3) BGR, changed in place.
        joints: (V, 3) x, y in pixels and confidence 0..1; confidence 0 is missing.
        style: Sizes.
    """
    sure = joints[:, 2]
    places = joints[sure > 0, :2]
    if not len(places):
        return
    style = style.of_person(float(np.ptp(places, axis=0).max()) / picture.shape[0])
    margin = 3 * style.line
    low = np.floor(places.min(axis=0)).astype(int) - margin
    high = np.ceil(places.max(axis=0)).astype(int) + margin + 1
    left, top = np.maximum(low, 0).tolist()
    right, bottom = np.minimum(high, picture.shape[1::-1]).tolist()
    if right <= left or bottom <= top:
        return
    part = picture[top:bottom, left:right]
    colours = part.copy()
    opacity = np.zeros(part.shape[:2], dtype=np.uint8)
    points = np.rint((joints[:, :2] - (left, top)) * 2**_SHIFT).astype(int).tolist()
    bones = [(min(sure[a], sure[b]), a, b, colour) for a, b, colour in _BONES]
    for certainty, a, b, colour in sorted(bones):  # the surest on top
        if certainty > 0:
            for shade, thick in ((_INK, style.line + 2 * style.edge), (colour, style.line)):
                _line(colours, points[a], points[b], shade, thick)
            _line(
                opacity, points[a], points[b], round(255 * certainty), style.line + 2 * style.edge
            )
    for joint in np.argsort(sure).tolist():
        if sure[joint] > 0:
            radius = style.line if _ENDS[joint] > 1 else style.line / 2
            _dot(colours, points[joint], _INK, radius + style.edge)
            _dot(colours, points[joint], _JOINTS[joint], radius)
            _dot(opacity, points[joint], (round(255 * sure[joint]),), radius + style.edge)
    weight = opacity.astype(np.float32) / 255
    part[:] = cv2.blendLinear(part, colours, 1 - weight, weight)


def _line(
    image: Picture, start: Sequence[int], end: Sequence[int], colour: Sequence[int], thick: int
) -> None:
    cv2.line(image, start, end, colour, thick, cv2.LINE_AA, _SHIFT)


def _dot(image: Picture, centre: Sequence[int], colour: Sequence[int], radius: float) -> None:
    cv2.circle(image, centre, round(radius * 2**_SHIFT), colour, cv2.FILLED, cv2.LINE_AA, _SHIFT)


def label_of(person: Person) -> str:
    """Return what is written at a person: id, action, score."""
    score = f" {person.score:.0%}" if isfinite(person.score) else ""
    return f"{person.name}  {person.action}{score}" if person.action else person.name


def draw_people(
    picture: Picture,
    people: Sequence[Person],
    view: View,
    colours: Mapping[str, str],
    style: Style,
) -> None:
    """Draw all persons of a frame: first the skeletons, then boxes, then labels above all.

    Args:
        picture: (height, width, 3) BGR, changed in place.
        people: The persons.
        view: Where they are in the picture.
        colours: By action.
        style: Sizes.
    """
    labels: list[tuple[Rectangle, str, Bgr]] = []
    for person in people:
        joints = view.joints(person)
        draw_skeleton(picture, joints, style)
        if (corners := view.box(person, joints)) is None:
            continue
        left, top, right, bottom = (round(corner) for corner in corners)
        colour = bgr(colours[person.action or ""])
        cv2.rectangle(picture, (left, top), (right, bottom), _INK, 3 * style.edge)
        cv2.rectangle(picture, (left, top), (right, bottom), colour, style.edge)
        labels.append(((left, top, right, bottom), label_of(person), colour))
    taken: list[Rectangle] = []
    for box, text, colour in labels:
        place = _place_label(picture, box, text, style, taken)
        taken.append(place)
        cv2.rectangle(picture, place[:2], place[2:], colour, cv2.FILLED)
        cv2.rectangle(picture, place[:2], place[2:], _INK, max(1, style.edge // 2))
        draw_text(picture, text, (place[0] + style.text // 2, place[1]), style.text, _INK)


def _place_label(
    picture: Picture, box: Rectangle, text: str, style: Style, taken: Sequence[Rectangle]
) -> Rectangle:
    """Find room for a label: above the box, else as near to there as no other label is."""
    width = text_width(text, style.text) + style.text
    height = line_height(style.text)
    left = max(0, min(box[0] - style.edge, picture.shape[1] - 1 - width))
    above = box[1] - height - style.edge
    first = above if above >= 0 else box[1]
    for step in sorted(range(-len(taken), len(taken) + 1), key=abs):
        top = first + step * height
        place = left, top, left + width, top + height
        if top >= 0 and not any(_overlap(place, other) for other in taken):
            return place
    return left, first, left + width, first + height


def _overlap(one: Rectangle, other: Rectangle) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
