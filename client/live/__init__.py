"""Labelling a stream while it comes: `tao_client SOURCE --live`; see `docs/live.md`."""

from client.live.loop import run_live

__all__ = ["run_live"]
