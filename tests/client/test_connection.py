import asyncio
from concurrent.futures import Future
from typing import Any

import pytest

from client.connection import Connection, _report
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
