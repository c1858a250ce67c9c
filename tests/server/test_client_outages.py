"""Servers that are slow, busy, cut off, killed, or never there."""

from __future__ import annotations

import asyncio
import itertools
import logging
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from client import Client, ServerError, Settings, classify
from client.cli import main
from scripts.embedded_triton import EmbeddedTriton, unused_port
from tests.server.client_inputs import WAYS, clips, flags_of
from tests.server.faulty_proxy import UNAVAILABLE, Fault, FaultyProxy, answer
from tests.server.test_overload import hold_back
from tests.tiny_network import CLASSES

ORDER = np.random.default_rng(1).integers(0, 6, 60)
EXPECTED = [CLASSES[number] for number in ORDER]


def labels(lines: str) -> list[str]:
    return [line.split("=")[1].split(",")[0] for line in lines.splitlines()]


def every(number: int, fault: Fault) -> Callable[[int], Fault]:
    return lambda request: fault if request % number == number - 1 else None


TOO_MANY = answer("429 Too Many Requests", "<html>not so fast")  # as a gateway says it


@pytest.mark.parametrize("fault", [UNAVAILABLE, TOO_MANY, "drop"], ids=["503", "429", "dropped"])
def test_failed_requests_are_sent_again(fault: Fault, triton: EmbeddedTriton) -> None:
    with FaultyProxy(triton.http_url, every(3, fault)) as proxy:
        results = classify(clips(ORDER), url=proxy.url)
    assert [result.label for result in results] == EXPECTED
    assert proxy.requests > len(ORDER) * 1.4


def test_results_are_in_order_whatever_the_order_of_answers(triton: EmbeddedTriton) -> None:
    with FaultyProxy(triton.http_url, every(7, 0.2)) as proxy:
        results = classify(clips(ORDER), url=proxy.url)
    assert [result.index for result in results] == list(range(len(ORDER)))
    assert [result.label for result in results] == EXPECTED


@pytest.mark.parametrize("in_flight", [1, 5])
def test_requests_in_flight_are_bounded(in_flight: int, triton: EmbeddedTriton) -> None:
    running, most, change = 0, 0, threading.Condition()

    def count(_: int) -> Fault:  # runs while the request is under way
        nonlocal running, most
        with change:
            running += 1
            most = max(most, running)
            change.notify_all()
            change.wait_for(lambda: most >= in_flight, 5)  # a busy client sends them one by one
        time.sleep(0.02)
        with change:
            running -= 1
        return None

    with FaultyProxy(triton.http_url, count) as proxy:
        classify(clips(ORDER), url=proxy.url, in_flight=in_flight)
    assert most == in_flight


def test_a_slow_answer_is_asked_for_again(triton: EmbeddedTriton) -> None:
    slow_once = {10: 60.0}
    with FaultyProxy(triton.http_url, slow_once.get) as proxy:
        start = time.monotonic()
        results = classify(clips(ORDER), url=proxy.url, timeout=2)
        assert time.monotonic() - start < 50
    assert [result.label for result in results] == EXPECTED


@pytest.mark.parametrize(
    ("fault", "flags", "message"),
    [
        (UNAVAILABLE, ["--deadline", "3"], "try again later; gave up after 3 s"),
        (9.0, ["--deadline", "3"], "no answer within 3 s; gave up after 3 s"),
        (9.0, ["--timeout", "0.9", "--deadline", "3"], "; gave up after 3 s"),
        (answer("500 Oops", '{"error":"no\\nmemory"}'), [], ": HTTP 500: no memory"),
        (answer("403 No", f"<html>\n{'x' * 999}"), [], ": HTTP 403: <html> xxx"),
        (answer("200 OK", "<html>"), [], "does not answer as Triton does"),
    ],
    ids=["503", "slow", "slow-attempts", "500", "gateway", "not-triton"],
)
def test_giving_up_is_one_line_and_no_file(
    fault: Fault,
    flags: list[str],
    message: str,
    triton: EmbeddedTriton,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    np.save(tmp_path / "a.npy", clips(ORDER))
    out = tmp_path / "out"
    with FaultyProxy(triton.http_url, lambda n: fault if n > 20 else None) as proxy:
        words = [str(tmp_path / "a.npy"), "-u", proxy.url, "--output_path", str(out), *flags]
        assert main(words) == 1
    (error,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert message in error.getMessage()
    assert "\n" not in error.getMessage()
    assert len(error.getMessage()) < 300
    assert error.exc_info is None
    assert not list(out.iterdir())


@pytest.mark.parametrize("way", WAYS)
def test_no_server(
    way: str, triton: EmbeddedTriton, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    np.save(tmp_path / "a.npy", clips([1]))
    words = [str(tmp_path / "a.npy"), *flags_of(way, triton), "--deadline", "2"]
    with unused_port() as port:
        words += ["-u", f"127.0.0.1:{port}", "--output_path", str(tmp_path / "out")]
        start = time.monotonic()
        assert main(words) == 1
    assert 0.2 < time.monotonic() - start < 30
    first, last = caplog.messages[-2:]
    assert "trying again for up to 2 s" in first
    assert "gave up after 2 s; is a Triton server running there" in last
    assert not (tmp_path / "out").exists()


def test_a_server_that_comes_late(triton: EmbeddedTriton) -> None:
    def come() -> None:
        time.sleep(1)
        proxy._listener = socket.create_server(("127.0.0.1", port))
        proxy._accept()

    with FaultyProxy(triton.http_url) as proxy, unused_port() as port:
        proxy._listener.close()
        threading.Thread(target=come, daemon=True).start()
        (result,) = classify(clips([4]), url=f"127.0.0.1:{port}")
    assert result.label == "walking"


@pytest.mark.parametrize("way", ["grpc-async", "grpc-stream"])
def test_cut_grpc_connections(way: str, triton: EmbeddedTriton) -> None:
    with FaultyProxy(triton.grpc_url) as proxy:
        settings = Settings(proxy.url, "grpc", streaming="stream" in way, in_flight=8)
        found = []
        with Client(settings) as client:
            for result in client.classify(clips(ORDER)):
                found.append(result.label)
                if result.index % 15 == 5:
                    proxy.drop()
    assert found == EXPECTED


@pytest.mark.parametrize("way", ["http-async", "grpc-async", "grpc-stream"])
def test_a_full_queue_is_waited_for(way: str, serve: Callable[..., Any]) -> None:
    server, _ = serve(edit=hold_back(100, queue_limit=3))
    settings = Settings(
        server.http_url if "http" in way else server.grpc_url,
        way.partition("-")[0],
        streaming="stream" in way,
        in_flight=8,
    )
    with Client(settings) as client:
        assert [result.label for result in client.classify(clips(ORDER[:20]))] == EXPECTED[:20]


@pytest.fixture
def slow(serve: Callable[..., Any]) -> Iterator[EmbeddedTriton]:
    """Takes 50 ms for a request by itself."""
    yield serve(edit=hold_back(50))[0]


# A test run in the background of a script ignores interrupts and hands that down. Put right in the
# new process: a function that `Popen` calls before may hang where gRPC has threads.
HEEDING = (
    "import runpy, signal; signal.signal(signal.SIGINT, signal.default_int_handler);"
    "runpy.run_module('client', run_name='__main__')"
)


def start_command(source: Path, out: Path, *flags: str) -> subprocess.Popen[str]:
    words = [sys.executable, "-c", HEEDING, str(source), "--output_path", str(out), *flags]
    return subprocess.Popen(words, stderr=subprocess.PIPE, text=True)


def wait_for_first_results(out: Path) -> None:
    deadline = time.monotonic() + 60
    while not (out.exists() and any(out.glob(".results.*"))):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    time.sleep(0.5)


@pytest.mark.parametrize("way", WAYS)
def test_a_server_killed_and_restarted(way: str, slow: EmbeddedTriton, tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", clips(np.tile(ORDER, 5 if "-" in way else 1)))
    out = tmp_path / "out"
    flags = [*flags_of(way, slow), "--in-flight", "4"] if "-" in way else flags_of(way, slow)
    command = start_command(tmp_path / "a.npy", out, *flags)
    wait_for_first_results(out)
    slow.kill()
    assert command.poll() is None
    assert not (out / "results.txt").exists()
    slow.restart()
    _, log = command.communicate(timeout=60)
    assert command.returncode == 0, log
    assert "trying again" in log
    assert "answers again" in log
    assert "[ERROR]" not in log
    assert labels((out / "results.txt").read_text()) == EXPECTED * (5 if "-" in way else 1)


def test_a_server_killed_for_good(slow: EmbeddedTriton, tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", clips(ORDER))
    out = tmp_path / "out"
    out.mkdir()
    (out / "results.txt").write_text("of an earlier run")
    command = start_command(tmp_path / "a.npy", out, "-u", slow.http_url, "--deadline", "5")
    wait_for_first_results(out)
    slow.kill()
    _, log = command.communicate(timeout=60)
    assert command.returncode == 1
    assert "gave up after 5 s" in log.splitlines()[-1]
    assert "Traceback" not in log
    assert [path.read_text() for path in out.iterdir()] == ["of an earlier run"]


@pytest.mark.parametrize(
    ("way", "number"), [*((way, signal.SIGINT) for way in WAYS), ("http", signal.SIGTERM)]
)
def test_a_signal_ends_cleanly(
    way: str, number: signal.Signals, slow: EmbeddedTriton, tmp_path: Path
) -> None:
    np.save(tmp_path / "a.npy", clips(np.tile(ORDER, 20)))
    out = tmp_path / "out"
    command = start_command(tmp_path / "a.npy", out, *flags_of(way, slow), "--in-flight", "2")
    wait_for_first_results(out)
    command.send_signal(number)
    _, log = command.communicate(timeout=60)
    assert command.returncode == 130
    assert log.splitlines()[-1].endswith("interrupted; results not finished were not written")
    assert "Traceback" not in log
    assert not list(out.iterdir())


def test_an_interrupt_while_a_request_is_sent_is_one_line(
    triton: EmbeddedTriton,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    recwarn: pytest.WarningsRecorder,
) -> None:
    np.save(tmp_path / "a.npy", clips(ORDER))
    start, calls = asyncio.run_coroutine_threadsafe, itertools.count()

    def interrupted(work: Coroutine[Any, Any, Any], loop: asyncio.AbstractEventLoop) -> Any:
        if next(calls) == 10:
            raise KeyboardInterrupt
        return start(work, loop)

    monkeypatch.setattr("asyncio.run_coroutine_threadsafe", interrupted)
    out = str(tmp_path / "out")
    assert main([str(tmp_path / "a.npy"), "-u", triton.http_url, "--output_path", out]) == 130
    assert not [warning for warning in recwarn if "never awaited" in str(warning.message)]


def test_a_failure_ends_an_iteration_for_good(triton: EmbeddedTriton) -> None:
    with (
        FaultyProxy(triton.http_url, lambda n: "drop" if n > 5 else None) as proxy,
        Client(Settings(proxy.url, deadline=3)) as client,
    ):
        results = client.classify(clips(ORDER))
        with pytest.raises(ServerError):
            list(results)
        assert next(results, None) is None
