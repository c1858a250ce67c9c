"""Sizes that follow from the size of the picture, and colours as OpenCV wants them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from video.results.view import Size

Bgr = tuple[int, int, int]


def bgr(colour: str) -> Bgr:
    """Turn `#rrggbb` into OpenCV's order."""
    red, green, blue = bytes.fromhex(colour[1:])
    return blue, green, red


@dataclass(frozen=True)
class Style:
    """Sizes in pixels that look alike on every picture.

    Attributes:
        text: Height of the text's em square.
        line: Thickness of a bone.
        edge: Thickness of outlines and of boxes.
    """

    text: int
    line: int
    edge: int

    @classmethod
    def of(cls, size: Size) -> Style:
        """Choose for a picture of `size` (width, height)."""
        # Pictures higher than 4:3 are measured by their width: that is what limits text.
        unit = min(size[1], 0.75 * size[0]) / 360
        return cls(
            text=max(10, round(11 * unit)),
            line=max(2, round(2 * unit)),
            edge=max(1, round(1.2 * unit)),
        )

    def of_person(self, share: float) -> Style:
        """Thinner lines for somebody who fills a smaller `share` of the picture than a third."""
        part = min(1.0, 3 * share)
        return replace(
            self, line=max(1, round(part * self.line)), edge=max(1, round(part * self.edge))
        )
