"""The live run: read, cut, send, write, until the stream ends or somebody stops it."""

from __future__ import annotations

import contextlib
import logging
import math
import signal
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace

from client.connection import Connection
from client.convert_config import load_convert_config
from client.errors import ServerError
from client.inputs import LIVE_RESULTS, check_output
from client.live.events import Journal
from client.live.sender import Sender
from client.live.sources import Arrival, LiveSource, open_source, refuse
from client.options import Options
from client.pipeline import Pipeline
from client.session import Client
from converter import ConvertConfig, InputError
from converter.complaints import Complaints
from converter.deepstream import LiveSegment, LiveSegmenter
from converter.deepstream.stream import GZIP_MAGIC

log = logging.getLogger(__name__)

POLL = 0.1  # seconds between two looks at a source that is silent
ENOUGH = 100  # object-frames that cannot all lack a pose by chance
STOP_PATIENCE = 5.0  # seconds to wait for the server's answers once somebody stops the run


def run_live(options: Options) -> None:
    """Label a stream until it ends, or SIGINT or SIGTERM comes.

    The server must answer at the start, within `options.settings.deadline`. Later it may go
    away for any time.

    Raises:
        InputError: The source or a setting is wrong, or the stream has nothing to use.
        ServerError: No server at the start, or none to answer the last segments.
    """
    if len(options.inputs) != 1:
        raise refuse(" ".join(options.inputs) or "--live", "name one source")
    if options.label_policy == "tao":
        raise InputError("--label-policy tao cannot be used with --live: its tracks never end")
    check_output(options.output_path / LIVE_RESULTS)
    convert = load_convert_config(options.convert_config, options.max_gap, options.frame_rate)
    with contextlib.ExitStack() as stack:
        source = open_source(options.inputs[0])
        stack.callback(source.close)
        with Client(options.settings) as client:
            model = client.model
            if options.convert_config is None:
                convert = model.suited(convert)
            model.check_convert(convert)
        segmenter = LiveSegmenter(convert)
        journal = stack.enter_context(Journal(options.output_path))
        # Requests are never given up: the buffer is bounded instead.
        settings = replace(options.settings, deadline=math.inf, in_flight=1)
        connection = stack.enter_context(Connection(settings))
        stop = stack.enter_context(_stopping())
        sender = Sender(Pipeline(connection, model), convert, journal.write)
        log.info("%s: labels go to %s", source.name, journal.path)
        LiveRun(source, segmenter, sender, stop, convert).work(options.settings.deadline)


class LiveRun:
    """One run, from a source to a sender.

    Args:
        source: Gives the records.
        segmenter: Cuts them.
        sender: Gets the segments.
        stop: Ends the run when it is set.
        convert: What the segmenter works by.
    """

    def __init__(
        self,
        source: LiveSource,
        segmenter: LiveSegmenter,
        sender: Sender,
        stop: threading.Event,
        convert: ConvertConfig,
    ) -> None:
        self._source = source
        self._segmenter = segmenter
        self._sender = sender
        self._stop = stop
        self._convert = convert
        self._broken = Complaints("broken records")
        self._packed = False
        self._checked = False

    def work(self, deadline: float) -> None:
        """Run to the end.

        Args:
            deadline: Seconds that the server may stay silent after the end of the stream.

        Raises:
            InputError: The stream has no record that can be read, or no poses to use.
            ServerError: Segments were left without an answer, or all were refused.
        """
        try:
            while not self._stop.is_set():
                arrivals = self._source.poll(POLL)
                if arrivals is None:
                    break
                self._take(arrivals)
                self._sender.check()
            self._send(self._segmenter.close())
            self._sender.finish(lambda: STOP_PATIENCE if self._stop.is_set() else deadline)
        finally:
            self._report()
        if self._sender.left:
            raise ServerError(
                f"the server stopped answering: {self._sender.left} segments have no label"
            )
        if self._sender.refused and not self._sender.labelled:
            raise ServerError(f"the server refused all {self._sender.refused} segments")
        if self._broken.count and not self._segmenter.summary.frames:
            why = "it is gzip, unpack it first" if self._packed else "see above"
            raise InputError(
                f"{self._source.name}: no frame read, {self._broken.count} records broken: {why}"
            )
        self._check_poses()

    def _take(self, arrivals: Iterable[Arrival]) -> None:
        now = time.monotonic()
        for text, place, number, fault in arrivals:
            try:
                if fault:
                    raise InputError(f"{place}: {fault}")
                self._segmenter.push(text, now, place, number)
            except InputError as error:
                self._broken.note(str(error))
                self._packed |= text.startswith(GZIP_MAGIC)
        if not self._checked and self._segmenter.summary.objects >= ENOUGH:
            self._checked = True
            try:
                self._check_poses()
            except InputError as error:
                log.warning("%s", error)
        self._send(self._segmenter.segments(now))

    def _check_poses(self) -> None:
        self._segmenter.summary.check_poses(self._convert, self._source.name)

    def _send(self, segments: Iterator[LiveSegment]) -> None:
        for segment in segments:
            if self._source.keeps:
                self._wait()
            self._sender.offer(segment)

    def _wait(self) -> None:
        """Read no further while many segments wait."""
        since = time.monotonic()
        while self._sender.is_busy and not self._stop.is_set():
            self._sender.check()
            time.sleep(POLL)
        self._segmenter.excuse(time.monotonic() - since)

    def _report(self) -> None:
        sender, counts = self._sender, self._segmenter.summary
        lost = {
            "too many waiting": sender.dropped,
            "refused": sender.refused,
            "no answer": sender.left,
        }
        reasons = ", ".join(f"{count} {reason}" for reason, count in lost.items() if count)
        log.info(
            "%s: %d frames read, %d segments, %d labelled, %d dropped%s; %d records broken",
            *(self._source.name, counts.frames, counts.segments, sender.labelled),
            *(sum(lost.values()), f" ({reasons})" if reasons else "", self._broken.count),
        )
        for warning in counts.warnings:
            log.warning("%s: %s", self._source.name, warning)


@contextlib.contextmanager
def _stopping() -> Iterator[threading.Event]:
    """Give an event that SIGINT or SIGTERM sets; a second one interrupts."""
    stop = threading.Event()

    def handle(number: int, _: object) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
