"""What the commands of this package share: flags, and one line for everything that goes wrong."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from converter.command_line import FAILED, INTERRUPTED, MISTAKE, Parser
from converter.errors import InputError
from converter.messages import MessageFormatter
from video.results.view import Size

log = logging.getLogger(__name__)

LARGEST_SIDE = 65_535  # of a frame, in pixels
LARGEST_NUMBER = 1e9


def results_parser(program: str, description: str) -> Parser:
    """Make a parser with the flags that say what to draw."""
    p = Parser(prog=program, description=description, allow_abbrev=False)
    p.add_argument(
        "results", type=Path, metavar="RESULTS", help="results.json that tao_client wrote"
    )
    p.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="file to write")
    p.add_argument(
        "--video",
        type=Path,
        help="video that the poses were found in (default: draw on a plain background)",
    )
    p.add_argument(
        "--frame-size",
        type=_size,
        metavar="WxH",
        help="size of the frames that the poses were found in (default: the video's)",
    )
    p.add_argument(
        "--focal-length",
        type=_positive,
        metavar="PIXELS",
        help="focal length of the camera, for documents with 3D poses only",
    )
    p.add_argument("--rate", type=_positive, help="frames per second without a video (default 30)")
    p.add_argument(
        "--source",
        metavar="ID",
        help="source_id to draw, in a document of several (default: the first)",
    )
    return p


def run(command: Callable[[], None]) -> int:
    """Run a command, which SIGTERM ends as Ctrl-C does: nothing half written stays.

    Returns:
        0 done, 1 a failure, 2 a mistake in the command or the data, 130 interrupted.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(MessageFormatter("%(levelname)s: %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        command()
    except KeyboardInterrupt:
        log.error("interrupted; nothing was written")
        return INTERRUPTED
    except InputError as error:
        log.error("%s", error)
        return MISTAKE
    except Exception as error:
        log.error("%s", error if isinstance(error, OSError) else f"unexpected {error!r}")
        return FAILED
    finally:
        signal.signal(signal.SIGTERM, before)
    return 0


def main_of(work: Callable[[argparse.Namespace], None], parser: Parser) -> Callable[..., int]:
    """Make the `main` of a command from its parser and its work."""

    def main(argv: Sequence[str] | None = None) -> int:
        return run(lambda: work(parser.parse_args(argv)))

    return main


def _size(text: str) -> Size:
    width, _, height = text.lower().partition("x")
    if not all(side.isdecimal() and 0 < int(side) <= LARGEST_SIDE for side in (width, height)):
        raise argparse.ArgumentTypeError(f"'{text}' is not a size such as 1920x1080")
    return int(width), int(height)


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0
    if not 0 < value <= LARGEST_NUMBER:
        raise argparse.ArgumentTypeError(
            f"'{text}' is not a number above 0, {LARGEST_NUMBER:g} at most"
        )
    return value
