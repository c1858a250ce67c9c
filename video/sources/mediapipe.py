"""The pose source `mediapipe`: BlazePose's 33 landmarks, in the image and in metres."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from converter import joint_map
from video.blazepose.estimator import BlazePose
from video.blazepose.landmarks import Landmarks
from video.camera import place
from video.people import MM_PER_DEPTH_UNIT, Image, Person, box_around

MIN_VISIBILITY = 0.5  # of the landmarks that make the box


class MediaPipe:
    """Finds several people and their poses in three dimensions, on the CPU.

    Args:
        max_people: How many people are followed at most.
        rate: Frames a second.
        focal: Focal length of the camera in pixels.

    Raises:
        InputError: The networks are not installed.
    """

    producer = "BlazePose (MediaPipe 0.10.21 models), not DeepStream"

    def __init__(self, max_people: int, rate: float, focal: float) -> None:
        self._estimate = BlazePose(max_people, rate)
        self._focal = focal
        self._map = joint_map("mediapipe", "nvidia")

    def people(self, image: Image, seconds: float) -> list[Person]:
        """Find the people in a frame; see `PoseSource`."""
        size = image.shape[1], image.shape[0]
        return [self._person(found, size) for found in self._estimate(image, seconds)]

    def _person(self, found: Landmarks, size: tuple[int, int]) -> Person:
        pixels, sure = found.image[:, :2], found.visibility
        depth = found.world[:, 2:] * (1000 / MM_PER_DEPTH_UNIT)
        metres = place(found.world, pixels, sure, self._focal, size)
        seen = pixels[sure >= MIN_VISIBILITY]
        return Person(
            bbox=box_around(seen if len(seen) else pixels, size),
            pose25d=self._to_nvidia(pixels, depth, sure),
            pose3d=self._to_nvidia(metres * 1000, sure),
        )

    def _to_nvidia(self, *columns: NDArray[np.float32]) -> NDArray[np.float32]:
        return self._map.apply(np.column_stack(columns))
