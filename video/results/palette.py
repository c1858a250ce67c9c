"""Colours that colour-blind people tell apart, as RGB hex.

Left and right are from Okabe and Ito's palette. Actions have Paul Tol's `light` scheme, which is
made for areas with dark text on them; its olive is left out because it is close to its pear.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

LEFT: Final = "#56b4e9"
RIGHT: Final = "#e69f00"
CENTRE: Final = "#f2f2f2"
NO_ACTION: Final = "#b9bec6"
INK: Final = "#14171c"  # dark text and outlines
GROUND: Final = "#232831"  # where there is no video

_ACTIONS: Final = (
    "#77aadd",
    "#ee8866",
    "#44bb99",
    "#eedd88",
    "#ffaabb",
    "#bbcc33",
    "#99ddff",
)


def action_colours(actions: Sequence[str]) -> dict[str, str]:
    """Give every action its colour, the same in the overlay and in the report.

    Args:
        actions: Sorted names; from the eighth on colours come again.

    Returns:
        Colour by name; "" is no action.
    """
    colours = {name: _ACTIONS[place % len(_ACTIONS)] for place, name in enumerate(actions)}
    return {**colours, "": NO_ACTION}
