"""A connection to one server: an event loop in a thread, retries, and waiting for the model."""

from __future__ import annotations

import asyncio
import logging
import math
import random
import threading
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

from client.errors import ServerError, Unavailable
from client.settings import Settings
from client.transport import Request, Transport, open_transport

log = logging.getLogger(__name__)
T = TypeVar("T")

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 2.0  # seconds between two attempts


class Connection:
    """Requests to one model, each retried until it is `settings.deadline` seconds old.

    The network is served by an event loop in a thread of its own, so that reading files and
    waiting for answers overlap, and callers may have an event loop of their own (a notebook).

    Args:
        settings: The server and the model.

    Raises:
        ServerError: From every method, when the server fails or the deadline passes.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._loop: asyncio.AbstractEventLoop
        self._thread: threading.Thread
        self._transport: Transport
        self._answering = True

    def __enter__(self) -> Connection:
        self._loop = asyncio.new_event_loop()
        self._loop.set_exception_handler(_report)
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        opening = self._start(open_transport(self.settings))
        try:
            self._transport = opening.result()
        except KeyboardInterrupt:  # it cannot be stopped while it imports its library
            self._transport = opening.result()
            self.__exit__()
            raise
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._start(self._shut()).result()
        self._stop()

    def _stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def describe_model(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Wait until the model is ready; return its metadata and its configuration."""
        hint = "; is a Triton server running there, and does it speak this protocol (-i)?"
        self._start(self._retried(self._check_ready, hint)).result()
        metadata = self._start(self._retried(self._transport.metadata))
        config = self._start(self._retried(self._transport.config))
        return metadata.result(), config.result()

    def submit(self, request: Request) -> Future[Any]:
        """Send a request; the future gives a result with `as_numpy(output name)`."""
        return self._start(self._retried(lambda: self._transport.infer(request)))

    def _start(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    async def _retried(self, attempt: Callable[[], Awaitable[T]], hint: str = "") -> T:
        clock = self._loop.time
        end = clock() + self.settings.deadline
        pause = FIRST_PAUSE
        while True:
            allowed = min(self.settings.timeout, max(end - clock(), FIRST_PAUSE))
            try:
                answer = await asyncio.wait_for(attempt(), allowed)
            except asyncio.TimeoutError:
                reason = f"{self.settings.url}: no answer within {allowed:.3g} s"
            except Unavailable as error:
                reason = str(error)
            else:
                self._note_answer()
                return answer
            if clock() + pause > end:
                raise ServerError(f"{reason}; gave up after {self.settings.deadline:g} s{hint}")
            self._note_silence(reason)
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - spreads retries
            pause = min(2 * pause, LONGEST_PAUSE)

    async def _check_ready(self) -> None:
        if await self._transport.model_ready():
            return
        name, version, url = self.settings.model, self.settings.version, self.settings.url
        wanted = f"model {name!r}" + (f" version {version}" if version else "")
        try:
            models = await self._transport.repository_index()
        except ServerError as error:  # the list of models may be closed to clients
            raise ServerError(f"{error}; {wanted} is missing or not ready") from error
        own = [model for model in models if model["name"] == name]
        states = {model.get("state") for model in own}
        if "LOADING" in states or ("READY" in states and not version):
            raise Unavailable(f"{url}: {wanted} is still loading")
        if "READY" in states:
            versions = ", ".join(model["version"] for model in own)
            raise ServerError(f"{url}: {wanted} is not served; the server has {versions}")
        if own:
            reason = " ".join(own[0].get("reason", "").split()) or "not loaded"
            raise ServerError(f"{url}: {wanted} is not ready: {reason}")
        ready = sorted({model["name"] for model in models if model.get("state") == "READY"})
        raise ServerError(f"{url}: no {wanted}; the server has {', '.join(ready) or 'none'}")

    def _note_silence(self, reason: str) -> None:
        """Say once, not for every request in flight, that the server does not answer."""
        level = logging.WARNING if self._answering else logging.DEBUG
        limit = self.settings.deadline
        until = f" for up to {limit:g} s" if math.isfinite(limit) else ""
        log.log(level, "%s; trying again%s", reason, until)
        self._answering = False

    def _note_answer(self) -> None:
        if not self._answering:
            log.info("%s answers again", self.settings.url)
        self._answering = True

    async def _shut(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await self._transport.close()


def _report(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log errors that no coroutine has caught, except those that belong to other loops.

    gRPC has one poller for all event loops of a process. It may hand a loop what came for another,
    even for a closed one, and the loop then complains (grpc/grpc#25364).
    """
    if "PollerCompletionQueue" not in context.get("message", ""):
        loop.default_exception_handler(context)
