"""Draws results into the video they came from."""

from video.overlay.draw import Drawn, check_paths, draw_overlay

__all__ = ["Drawn", "check_paths", "draw_overlay"]
