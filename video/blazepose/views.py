"""Which parts of a frame the detector looks at, and when.

The detector sees 224 x 224 pixels, in which people who are small in the frame are too small. So it
also looks at squares as high as the frame and at smaller ones, a few in each frame.
"""

from __future__ import annotations

from itertools import cycle
from math import ceil

import numpy as np

from video.blazepose.roi import Roi

FRACTIONS = (2, 3)  # the smaller squares' sides, as parts of the frame's short side
STEP = 2 / 3  # between neighbours, as a part of their side
FINE_LOOKS = 3  # at smaller squares, for each look at a large one


class Views:
    """The views of one video, in turns.

    Args:
        width: Of the frames, in pixels.
        height: Of the frames, in pixels.
    """

    def __init__(self, width: int, height: int) -> None:
        short = min(width, height)
        self.large = [whole(width, height)]
        if width != height:
            self.large += _squares(width, height, short)
        fine = [view for part in FRACTIONS for view in _squares(width, height, short / part)]
        self._all = [*self.large, *fine]
        large, small = cycle(self.large), cycle(fine)
        turn = (large, *[small] * FINE_LOOKS)
        self._turns = (next(views) for views in cycle(turn))

    def next(self, count: int) -> list[Roi]:
        """The next `count` views, each once: not more than there are."""
        if count >= len(self._all):
            return self._all
        return list(dict.fromkeys(next(self._turns) for _ in range(count)))


def whole(width: int, height: int) -> Roi:
    """The view of a whole frame."""
    return Roi(width / 2, height / 2, max(width, height))


def _squares(width: int, height: int, side: float) -> list[Roi]:
    """Overlapping squares that cover a frame."""

    def centres(length: int) -> list[float]:
        count = ceil((length - side) / (side * STEP)) + 1
        return list(np.linspace(side / 2, length - side / 2, count).tolist())

    return [Roi(x, y, side) for y in centres(height) for x in centres(width)]
