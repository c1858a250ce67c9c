"""The shipped clip, and where the tests of the pose sources find their networks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from video.blazepose.models import FOLDER
from video.capture import Video

CLIP = Path(__file__).parents[2] / "samples" / "three_people.mp4"
PEOPLE = 3
WIDTH, HEIGHT = 640, 360

needs_networks = pytest.mark.skipif(
    not (FOLDER / "pose_landmark_full.tflite").exists(),
    reason="BlazePose's networks are not installed: scripts/setup_env.sh video",
)


def images(count: int) -> list[NDArray[np.uint8]]:
    """The first frames of the clip."""
    frames = Video(str(CLIP)).frames()
    return [next(frames).image for _ in range(count)]
