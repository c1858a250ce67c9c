"""Smoothing of landmarks over time, as MediaPipe does it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from video.blazepose.landmarks import Landmarks
from video.blazepose.roi import Roi

Floats = NDArray[np.float32]
VISIBILITY_ALPHA = 0.1


class OneEuroFilter:
    """A low pass whose cutoff rises with the speed: little jitter at rest, little lag in motion.

    Casiez et al.: "1 € Filter: A Simple Speed-based Low-pass Filter for Noisy Input in
    Interactive Systems", CHI 2012.

    Args:
        min_cutoff: Cutoff at rest in Hz.
        beta: Hz that the cutoff gains per unit of speed.
        derivative_cutoff: Cutoff in Hz of the low pass on the speed.
    """

    def __init__(self, min_cutoff: float, beta: float, derivative_cutoff: float = 1.0) -> None:
        self._min_cutoff = min_cutoff
        self._beta = beta
        self._derivative_cutoff = derivative_cutoff
        self._seconds = 0.0
        self._raw: Floats | None = None
        self._value = self._speed = np.zeros(1, np.float32)

    def __call__(self, values: Floats, seconds: float, scale: float = 1.0) -> Floats:
        """Filter one sample of every value.

        Args:
            values: Any shape, the same each time.
            seconds: When it was taken; a sample not later than the last one is not filtered.
            scale: Factor on the speed, so that it does not depend on the person's size.
        """
        if self._raw is None:
            self._value, self._speed = values, np.zeros_like(values)
        else:
            interval = seconds - self._seconds
            if interval <= 0:
                return values
            speed = (values - self._raw) * scale / interval
            self._speed = _blend(speed, self._speed, _alpha(self._derivative_cutoff, interval))
            cutoff = self._min_cutoff + self._beta * np.abs(self._speed)
            self._value = _blend(values, self._value, _alpha(cutoff, interval))
        self._raw, self._seconds = values, seconds
        return self._value


class LandmarkFilter:
    """The filters of one person's landmarks (MediaPipe's graph `pose_landmark_filtering`)."""

    def __init__(self) -> None:
        self._image = OneEuroFilter(0.05, 80)
        self._world = OneEuroFilter(0.1, 40)
        self._alignment = OneEuroFilter(0.01, 10)
        self._visibility: Floats | None = None

    def __call__(self, found: Landmarks, seconds: float) -> Landmarks:
        """Return the landmarks smoothed."""
        scale = 1 / max(Roi.around(found.alignment).scale, 1e-6)
        last = found.visibility if self._visibility is None else self._visibility
        self._visibility = _blend(found.visibility, last, np.float32(VISIBILITY_ALPHA))
        return Landmarks(
            image=self._image(found.image, seconds, scale),
            world=self._world(found.world, seconds),
            visibility=self._visibility,
            alignment=self._alignment(found.alignment, seconds, scale),
        )


def _alpha(cutoff: float | Floats, interval: float) -> Floats:
    return np.asarray(1 / (1 + 1 / (2 * np.pi * cutoff * interval)), dtype=np.float32)


def _blend(new: Floats, old: Floats, alpha: Floats | np.float32) -> Floats:
    return np.asarray(alpha * new + (1 - alpha) * old, dtype=np.float32)
