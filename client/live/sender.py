"""Sending segments while more are read: a bounded buffer and a thread that empties it."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError

import numpy as np

from client.documents import as_sequence
from client.errors import ServerError
from client.pipeline import Batch, Pipeline, Result
from converter import ConvertConfig, InputError
from converter.complaints import Complaints
from converter.deepstream import LiveSegment

log = logging.getLogger(__name__)

BUFFER = 512  # segments; 28 MB of 100 frames and 34 joints


class Sender:
    """Classifies segments in the background, in order; the oldest are dropped if too many wait.

    Args:
        pipeline: Answers each batch before it takes the next.
        convert: How to normalise.
        deliver: Gets every segment with its result, in the sender's thread.
        limit: Most segments that may wait.

    Attributes:
        labelled: Segments delivered.
        dropped: Segments dropped because too many waited.
        refused: Segments that the server refused or failed on.
        heard: When the server answered last, on `time.monotonic`.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        convert: ConvertConfig,
        deliver: Callable[[LiveSegment, Result], None],
        limit: int = BUFFER,
    ) -> None:
        self._pipeline = pipeline
        self._model = pipeline.model
        self._convert = convert
        self._deliver = deliver
        self._limit = limit
        self._waiting: deque[LiveSegment] = deque()
        self._under_way: deque[LiveSegment] = deque()
        self._taken = 0
        self._change = threading.Condition()
        self._closed = False
        self._dropping = False
        self._failure: BaseException | None = None
        self._refusals = Complaints("refused segments")
        self.labelled = 0
        self.dropped = 0
        self.heard = time.monotonic()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def refused(self) -> int:
        """See the class."""
        return self._refusals.count

    @property
    def left(self) -> int:
        """Segments without an answer."""
        return len(self._waiting) + len(self._under_way)

    @property
    def is_busy(self) -> bool:
        """Whether half of the buffer is full."""
        return 2 * len(self._waiting) >= self._limit

    def check(self) -> None:
        """Raise what has ended the thread, if it has failed.

        Raises:
            BaseException: That failure, such as a full disk.
        """
        if self._failure:
            raise self._failure

    def offer(self, segment: LiveSegment) -> None:
        """Add a segment to those that wait."""
        with self._change:
            if len(self._waiting) == self._limit:
                self._waiting.popleft()
                self._note_drop()
            self._waiting.append(segment)
            self._change.notify()

    def finish(self, patience: Callable[[], float]) -> None:
        """Wait until all is answered, or the server has been silent for `patience()` seconds.

        Raises:
            BaseException: What ended the thread.
        """
        with self._change:
            self._closed = True
            self._change.notify()
        since = time.monotonic()
        while self._thread.is_alive():
            self._thread.join(0.05)
            if time.monotonic() - max(since, self.heard) > patience():
                break
        self.check()

    def _run(self) -> None:
        try:
            while not (self._closed and not self._waiting):
                self._send()
        except CancelledError:  # the connection was closed while the server was away
            log.debug("given up")
        except BaseException as error:
            self._failure = error

    def _send(self) -> None:
        """Send until a request fails for good or nothing more will come."""
        try:
            for result in self._pipeline.run(self._batches(), self._convert, "live"):
                self.heard = time.monotonic()
                self._deliver(self._under_way[0], result)
                self._under_way.popleft()
                self.labelled += 1
        except (InputError, ServerError) as error:
            self.heard = time.monotonic()
            self._refusals.note(str(error), len(self._under_way))
            self._under_way.clear()

    def _batches(self) -> Iterator[Batch]:
        while segments := self._take():
            rows = [as_sequence(segment, self._model, self._convert) for segment in segments]
            yield Batch(self._taken, np.stack(rows))
            self._taken += len(rows)

    def _take(self) -> deque[LiveSegment]:
        """Wait for segments; returns those for the next request, none at the end."""
        with self._change:
            self._change.wait_for(lambda: self._waiting or self._closed)
            while self._waiting and self._has_room_for(self._waiting[0]):
                self._under_way.append(self._waiting.popleft())
            if self._dropping and not self._waiting:
                log.info("caught up with the stream; %d segments were dropped", self.dropped)
                self._dropping = False
        return self._under_way

    def _has_room_for(self, segment: LiveSegment) -> bool:
        """Whether the next request can take it; the ensemble wants segments of one length."""
        if not self._under_way:
            return True
        fits = len(segment.keypoints) == len(self._under_way[0].keypoints) or not self._model.raw
        return fits and len(self._under_way) < self._pipeline.size

    def _note_drop(self) -> None:
        self.dropped += 1
        if not self._dropping:
            log.warning("%d segments wait for the server: the oldest are dropped", self._limit)
        self._dropping = True
