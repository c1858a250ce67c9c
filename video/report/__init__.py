"""Makes one HTML page of results: picture, timeline, table; it needs no network and no server."""

from video.report.page import check_output, write_report

__all__ = ["check_output", "write_report"]
