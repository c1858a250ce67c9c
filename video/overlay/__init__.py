"""Draws results into the video they came from."""

from video.overlay.draw import Drawn, draw_overlay

__all__ = ["Drawn", "draw_overlay"]
