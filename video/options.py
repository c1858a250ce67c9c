"""The flags of `python -m video.poses`."""

from __future__ import annotations

import argparse
from pathlib import Path

from converter.command_line import Parser
from video.writer import STDOUT

MOST = 10**9  # beyond, arithmetic fails
LEAST_PIXELS = 0.001
DESCRIPTION = "Poses of the people in any video, in the form of DeepStream's bodypose-3d app."


def parser() -> Parser:
    """The parser of the command; its complaints are one line."""
    p = Parser(prog="python -m video.poses", description=DESCRIPTION, allow_abbrev=False)
    p.add_argument(
        "source",
        metavar="SOURCE",
        help="video file, camera number or rtsp:// URL; or poses of DeepStream: a JSON file or "
        "kafka://host:port/topic",
    )
    p.add_argument(
        "-o",
        "--output",
        required=True,
        metavar="FILE",
        help=f"file to write; {STDOUT} is standard output, one record per line",
    )
    p.add_argument(
        "--pose-source",
        choices=("mediapipe", "deepstream", "bodypose"),
        help="what finds the poses (default: mediapipe; for JSON and Kafka deepstream)",
    )
    p.add_argument("--ndjson", action="store_true", help="write one record per line, not an array")
    p.add_argument(
        "--max-people",
        type=_count,
        default=6,
        metavar="N",
        help="people to follow at the same time (default: 6)",
    )
    p.add_argument(
        "--focal-length",
        type=_pixels,
        metavar="PIXELS",
        help="focal length of the camera, which decides how far away people are put "
        "(default: 1200 for a width of 1920, in proportion for others)",
    )
    p.add_argument(
        "--every",
        type=_count,
        default=1,
        metavar="N",
        help="find poses in every N-th frame only (default: 1)",
    )
    p.add_argument(
        "--live",
        action="store_true",
        help="always take the newest frame, and reopen the source when it goes away",
    )
    p.add_argument(
        "--save-video", type=Path, metavar="MP4", help="also record the camera or stream here"
    )
    p.add_argument(
        "--url",
        default="localhost:8001",
        metavar="HOST:PORT",
        help="Triton's gRPC service, for bodypose (default: localhost:8001)",
    )
    p.add_argument(
        "--dry-run", action="store_true", help="only print the command of the DeepStream container"
    )
    return p


def _count(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) <= MOST:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number from 1 to {MOST}")
    return int(text)


def _pixels(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not LEAST_PIXELS <= value <= MOST:
        raise argparse.ArgumentTypeError(
            f"'{text}' is not a number of pixels from {LEAST_PIXELS} to {MOST}"
        )
    return value
