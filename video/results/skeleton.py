"""Which colour a joint or a bone has."""

from __future__ import annotations

from video.results import palette
from video.results.document import LAYOUT


def side_of(*joints: int) -> str:
    """Return the colour of a joint, or of a bone between two: left, right or in the middle."""
    sides = {LAYOUT.joints[joint].split("_")[0] for joint in joints} & {"left", "right"}
    colours = {"left": palette.LEFT, "right": palette.RIGHT}
    return colours[sides.pop()] if len(sides) == 1 else palette.CENTRE
