"""Reading DeepStream's bodypose-3d JSON and writing it back with an action for every person."""

from converter.deepstream.job import AnnotationJob, Segment
from converter.deepstream.live import LiveSegment, LiveSegmenter
from converter.deepstream.output import Style
from converter.deepstream.summary import Summary
from converter.deepstream.tracks import TrackId

__all__ = [
    "AnnotationJob",
    "LiveSegment",
    "LiveSegmenter",
    "Segment",
    "Style",
    "Summary",
    "TrackId",
]
