import asyncio
from concurrent.futures import Future
from typing import Any

import pytest

from client.connection import Connection, _report
from client.errors import Unavailable
from client.settings import Settings

OF_GRPC = "Exception in callback PollerCompletionQueue._handle_events(<_UnixSelecto...>)()"


@pytest.mark.parametrize(("message", "logged"), [(OF_GRPC, 0), ("Task was never retrieved", 1)])
def test_only_what_grpc_says_of_other_loops_is_kept_quiet(
    message: str, logged: int, caplog: pytest.LogCaptureFixture
) -> None:
    loop = asyncio.new_event_loop()
    loop.set_exception_handler(_report)
    loop.call_exception_handler({"message": message, "exception": RuntimeError("closed")})
    loop.close()
    assert len(caplog.records) == logged


def test_pauses_grow_and_silence_is_told_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(round(seconds, 3))

    async def attempt() -> str:
        if len(pauses) % 8 < 7:
            raise Unavailable("busy")
        return "answer"

    async def use() -> None:
        connection = Connection(Settings(deadline=3600))
        connection._loop = asyncio.get_running_loop()
        assert await connection._retried(attempt) == "answer"
        pauses.append(0)
        assert await connection._retried(attempt) == "answer"

    monkeypatch.setattr("client.connection.random.uniform", lambda _, most: most)
    monkeypatch.setattr("client.connection.asyncio.sleep", sleep)
    with caplog.at_level("INFO"):
        asyncio.run(use())
    grown = [0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0]
    assert pauses == [*grown, 0, *grown]
    told = ["busy; trying again for up to 3600 s", "localhost:8000 answers again"]
    assert caplog.messages == 2 * told


def test_an_interrupt_while_the_transport_opens_closes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = []

    class Transport:
        async def close(self) -> None:
            closed.append(True)

    async def open_transport(_: Settings) -> Transport:
        return Transport()

    class Interrupted(Future[Any]):
        def result(self, timeout: float | None = None) -> Any:
            monkeypatch.setattr(Interrupted, "result", Future.result)
            raise KeyboardInterrupt

    monkeypatch.setattr("client.connection.open_transport", open_transport)
    monkeypatch.setattr("concurrent.futures.Future", Interrupted)  # as asyncio makes it
    with pytest.raises(KeyboardInterrupt):
        Connection(Settings()).__enter__()
    assert closed
