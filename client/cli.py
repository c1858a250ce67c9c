"""The command `tao_client`: files in, results out, one line for everything that goes wrong."""

from __future__ import annotations

import logging
import signal
import sys
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from client.convert_config import load_convert_config
from client.errors import ServerError
from client.inputs import Source, check_output, find_sources
from client.live import run_live
from client.options import Options, parse
from client.pictures import has_actions
from client.progress import show_progress
from client.results import write_lines
from client.session import Client
from converter import ConvertConfig, InputError
from converter.command_line import FAILED, INTERRUPTED, MISTAKE
from converter.messages import MessageFormatter

log = logging.getLogger(__name__)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        argv: The words after the program's name; None takes the process's.

    Returns:
        0 done, 1 a failure, 2 a mistake in the command or the data, 130 interrupted.
    """
    verbose = False
    with _logging_to_stderr(), _heeding_sigterm(), warnings.catch_warnings():
        try:
            options = parse(argv)
            verbose = options.verbose
            if verbose:
                logging.getLogger(__package__).setLevel(logging.DEBUG)
            (run_live if options.live else run)(options)
        except KeyboardInterrupt:  # which may have come before a request was handed to its loop
            warnings.filterwarnings("ignore", "coroutine .* was never awaited", RuntimeWarning)
            log.error("interrupted; results not finished were not written")
            return INTERRUPTED
        except InputError as error:
            log.error("%s", error)
            return MISTAKE
        except (ServerError, OSError) as error:
            log.error("%s", error)
            return FAILED
        except Exception as error:
            log.error(
                "unexpected %s: %s%s",
                type(error).__name__,
                error,
                "" if verbose else " (-v shows where)",
                exc_info=verbose,
            )
            return FAILED
        log.info("PASS")
    return 0


def run(options: Options) -> None:
    """Work through all inputs; a bad one does not keep the others from their results.

    Raises:
        InputError: An input was bad: the only one, or a count of several.
        ServerError: The server failed.
    """
    sources = find_sources(options.inputs, options.output_path)
    convert = load_convert_config(options.convert_config, options.max_gap, options.frame_rate)
    options.pictures.check(sources)
    if options.pictures and has_actions(sources[0].path):
        log.info("%s has actions: it is drawn as it is, no server is asked", sources[0].path)
        _draw(sources[0].path, options, convert)
        return
    for source in sources:
        check_output(source.output)
    failures = 0
    with Client(options.settings, show_progress) as client:
        if options.convert_config is None:
            convert = client.model.suited(convert)
            if not all(source.is_array for source in sources):
                _log_defaults(convert)
        for source in sources:
            try:
                _work(client, source, options, convert)
            except InputError as error:
                if len(sources) == 1:
                    raise
                log.error("%s", error)
                failures += 1
    if failures:
        raise InputError(f"{failures} of {len(sources)} inputs failed, see above")


def _log_defaults(convert: ConvertConfig) -> None:
    log.info(
        "no --dataset_convert_config: pose_type %s, focal_length %g, segments of %d frames "
        "every %d frames",
        *(convert.pose_type, convert.focal_length, convert.segment_frames, convert.stride),
    )


def _work(client: Client, source: Source, options: Options, convert: ConvertConfig) -> None:
    log.info("Sending inference request for batches of data: %s", source.path)
    if source.is_array:
        count = write_lines(client.classify(source.path, convert), source.output)
        log.info("%s: %d sequences", source.output, count)
        return
    summary = client.annotate(
        source.path, source.output, convert, options.label_policy, options.scores, options.style
    )
    log.info(
        "%s: %d of %d objects labelled; %d frames, %d tracks, %d segments",
        *(source.output, summary.labelled, summary.objects),
        *(summary.frames, summary.tracks, summary.segments),
    )
    if options.pictures:
        _draw(source.output, options, convert)


def _draw(document: Path, options: Options, convert: ConvertConfig) -> None:
    told = convert if options.convert_config else None
    options.pictures.draw(document, told, options.frame_rate)


@contextmanager
def _logging_to_stderr() -> Iterator[None]:
    """Log as NVIDIA's client does while the command runs, and leave no trace in the process."""
    root, own = logging.getLogger(), logging.getLogger(__package__)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(MessageFormatter("%(asctime)s [%(levelname)s] %(name)s: %(message)s"))
    levels = root.level, own.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    try:
        yield
    finally:
        root.removeHandler(handler)
        root.setLevel(levels[0])
        own.setLevel(levels[1])


@contextmanager
def _heeding_sigterm() -> Iterator[None]:
    """Treat SIGTERM as an interrupt, so that no half-written file is left."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
