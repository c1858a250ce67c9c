"""Poses of the people in any video, in the form of DeepStream's bodypose-3d app.

Usage: python -m video.poses SOURCE -o poses.json [--pose-source mediapipe|deepstream|bodypose] ...
"""

from __future__ import annotations

import argparse
import logging
import shlex
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import FrameType

from converter import InputError
from converter.command_line import forget_output
from converter.deepstream.topic import SCHEME
from video.capture import Video
from video.options import parser
from video.people import PoseSource
from video.records import video_records
from video.results.command import run
from video.results.progress import show_progress
from video.results.targets import check_film, check_target, same_file
from video.results.view import default_focal
from video.sources import deepstream
from video.writer import STDOUT, RecordWriter, writing

log = logging.getLogger(__name__)

DOCUMENTS = (".json", ".json.gz", ".ndjson", ".jsonl")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Returns:
        0 done, 1 a failure, 2 a mistake in the command or the data, 130 interrupted.
    """
    return run(lambda: work(parser().parse_args(argv)))


def work(options: argparse.Namespace) -> None:
    """Write the poses of a source.

    Raises:
        InputError: The source or the options are wrong.
        OSError: Reading, writing or the server failed.
    """
    _check_targets(options)
    failure = None
    with ExitStack() as open_things:
        records, endless = _records(options, open_things)
        if options.dry_run:
            return
        writer = open_things.enter_context(writing(options.output, options.ndjson))
        try:
            if endless:
                failure = _write_until_stopped(records, writer)
            else:
                for text in records:
                    writer.write(text)
        except BrokenPipeError:
            forget_output()
            raise OSError("nobody reads standard output any more") from None
    log.info("%s: %d frames", options.output, writer.count)
    if failure:
        raise failure


def _check_targets(options: argparse.Namespace) -> None:
    """Find out before a recording what would be lost at its end.

    Raises:
        InputError: An output is no file, the source, or the other output.
    """
    place = options.source.removeprefix("file:")
    source = None if "://" in place else Path(place)
    output = Path(options.output)
    to_file = options.output != STDOUT
    if to_file:
        check_target(output, source)
    if options.save_video:
        check_target(options.save_video, source)
        check_film(options.save_video)
        if to_file and same_file(options.save_video, output):
            raise InputError(
                f"{output}: cannot hold both the poses and the pictures (--save-video)"
            )


def _records(options: argparse.Namespace, open_things: ExitStack) -> tuple[Iterator[bytes], bool]:
    """The records of the source, and whether they go on until somebody stops them."""
    source: str = options.source
    chosen = options.pose_source or _usual_source(source)
    if options.dry_run and chosen != "deepstream":
        raise InputError("--dry-run shows the command of --pose-source deepstream only")
    is_file = "://" not in source and Path(source).exists()
    if options.save_video and (chosen == "deepstream" or is_file):
        raise InputError(
            "--save-video records a camera or stream: leave it out for a file or topic"
        )
    if chosen == "deepstream":
        if source.startswith(SCHEME):
            from video.sources.kafka import kafka_records

            return kafka_records(source, options.live), options.live
        if _is_document(source):
            return deepstream.file_records(Path(source)), False
        return _app_records(options, open_things), False
    if source.startswith(SCHEME) or _is_document(source):
        raise InputError(f"{source}: holds no video; leave --pose-source out")

    video = Video(source)
    open_things.callback(video.close)
    finder = _finder(chosen, options, video)
    keep = None
    if options.save_video:
        from video.recording import recording

        kept = recording(options.save_video, video.size, video.rate)
        keep = open_things.enter_context(kept).keep
    found = video_records(video, finder, options.every, options.live, keep)
    open_things.callback(found.close)  # with --live a thread reads the video until then
    records: Iterator[bytes] = found
    if video.total:
        records = show_progress(
            found, "poses", lambda: video.position / max(video.total, video.position)
        )
    return records, not video.is_file


def _usual_source(source: str) -> str:
    made_by_deepstream = source.startswith(SCHEME) or _is_document(source)
    return "deepstream" if made_by_deepstream else "mediapipe"


def _is_document(source: str) -> bool:
    return source.lower().endswith(DOCUMENTS)


def _finder(chosen: str, options: argparse.Namespace, video: Video) -> PoseSource:
    if chosen == "bodypose":
        from video.sources.bodypose import BodyPose

        return BodyPose(options.max_people, options.url)
    from video.sources.mediapipe import MediaPipe

    focal = options.focal_length or default_focal(video.size[0])
    return MediaPipe(options.max_people, video.rate / options.every, focal)


def _app_records(options: argparse.Namespace, open_things: ExitStack) -> Iterator[bytes]:
    video = Video(options.source)
    video.close()
    width, height = video.size
    focal = options.focal_length or default_focal(width)
    folder = Path(open_things.enter_context(deepstream.scratch_folder()))
    camera = {"focal": focal, "width": width, "height": height}
    command = deepstream.app_command(options.source, folder, **camera)
    if options.dry_run:
        sys.stdout.write(shlex.join(command) + "\n")
        return iter(())
    return deepstream.app_records(command, folder)


def _write_until_stopped(records: Iterator[bytes], writer: RecordWriter) -> Exception | None:
    """Write until SIGINT or SIGTERM, which is how a camera's recording ends; no record is torn.

    Returns:
        What ended the source before, for nobody can record again what was recorded until then.
    """
    writing_now = stop = False

    def on_signal(number: int, frame: FrameType | None) -> None:
        nonlocal stop
        stop = True
        if not writing_now:
            raise KeyboardInterrupt

    before = {
        number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        for text in records:
            writing_now = True
            writer.write(text)
            writing_now = False
            if stop:
                break
    except KeyboardInterrupt:
        log.info("stopped")
    except (InputError, OSError) as error:
        if writing_now or not writer.count:
            raise
        return error
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return None


if __name__ == "__main__":
    sys.exit(main())
