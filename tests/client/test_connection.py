import asyncio

import pytest

from client.connection import _report

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
