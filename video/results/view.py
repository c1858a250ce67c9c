"""From poses to places in a picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from converter.config import ConvertConfig
from video.results.document import LAYOUT, Person

Size = tuple[int, int]

# Where there is no video to tell.
USUAL_SIZE: Final = (ConvertConfig.frame_width, ConvertConfig.frame_height)
USUAL_RATE: Final = 30  # frames per second


def default_focal(width: int) -> float:
    """Focal length in pixels of a camera with the usual angle of view (77°), for a frame width."""
    return ConvertConfig.focal_length * width / ConvertConfig.frame_width


@dataclass(frozen=True)
class View:
    """A picture, and the frame that the poses were measured in.

    Attributes:
        picture: (width, height) of the picture in pixels.
        frame: (width, height) of the frame that poses and boxes refer to.
        focal_length: Of the camera in pixels of `frame`; only poses without `pose25d` need it.
    """

    picture: Size
    frame: Size
    focal_length: float

    @classmethod
    def of(
        cls, picture: Size, frame: Size | None = None, focal_length: float | None = None
    ) -> View:
        """Fill in what is not known.

        Args:
            picture: Its size.
            frame: None is the picture's.
            focal_length: None is the converter's, scaled to the width of the frame.
        """
        frame = frame or picture
        return cls(picture, frame, focal_length or default_focal(frame[0]))

    def joints(self, person: Person) -> NDArray[np.float64]:
        """Return where the joints are.

        `pose25d` is in pixels already; `pose3d` (mm; x right, y down, z away from the camera) is
        projected by a pinhole camera that looks at the middle of the frame.

        Returns:
            (V, 3) x, y in pixels of the picture and confidence 0..1; joints that are missing, not
            finite or behind the camera are zeros.
        """
        flat = person.pose if person.pose is not None else person.pose3d
        if flat is None:
            return np.zeros((LAYOUT.num_joints, 3))
        pose = np.array(flat, dtype=np.float64).reshape(-1, 4)
        places = pose[:, :2]
        if person.pose is None:
            depth = np.where(pose[:, 2] > 0, pose[:, 2], np.nan)[:, None]
            with np.errstate(over="ignore"):  # which is far away, see below
                places = self.focal_length * places / depth + np.array(self.frame) / 2
        joints = np.column_stack([places * self._scale, pose[:, 3].clip(0, 1)])
        with np.errstate(invalid="ignore"):
            # What is further away than a picture's size is no place to draw a line to.
            near = np.abs(joints[:, :2] / self.picture - 0.5).max(axis=1) < 1.5
        present = near & np.isfinite(pose).all(axis=1) & (joints[:, 2] > 0)
        return np.where(present[:, None], joints, 0.0)

    def box(self, person: Person, joints: NDArray[np.float64]) -> tuple[float, ...] | None:
        """Return the person's (left, top, right, bottom) in the picture.

        Where the document has no box, it is that of the joints and a tenth more on each side.
        """
        if (box := person.box) is not None:
            corners = np.array([box[:2], np.add(box[:2], box[2:])]) * self._scale
        else:
            places = joints[joints[:, 2] > 0, :2]
            if len(places) < 2:
                return None
            corners = np.array([places.min(axis=0), places.max(axis=0)])
            corners += np.array([[-0.1], [0.1]]) * (corners[1] - corners[0]).max()
        limits = np.array(self.picture) - 1
        clipped = corners.clip(0, limits)
        if (clipped[1] - clipped[0] < 1).any():
            return None  # outside
        return tuple(clipped.ravel().tolist())

    @property
    def _scale(self) -> NDArray[np.float64]:
        return np.array(self.picture) / self.frame
