"""What is said of a camera or stream that gives no pictures, or no more."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Thread

import cv2
import pytest

from converter import InputError
from tests.video.poses_clip import CLIP
from video.capture import Video


@contextmanager
def answering(status: str) -> Iterator[int]:
    """A server of HTTP and RTSP that answers every request with `status`; gives its port."""

    class Handler(StreamRequestHandler):
        def handle(self) -> None:
            protocol = self.rfile.readline().split()[-1].decode()
            headers = [line.decode() for line in iter(self.rfile.readline, b"\r\n")]
            numbered = "".join(line for line in headers if line.startswith("CSeq"))
            self.wfile.write(f"{protocol} {status}\r\n{numbered}\r\n".encode())

    with ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@pytest.mark.parametrize("scheme", ["http", "rtsp"])
@pytest.mark.parametrize(
    ("status", "told"),
    [
        ("401 Unauthorized", "Server returned 401 Unauthorized (authorization failed)"),
        ("404 Not Found", "Server returned 404 Not Found"),
        ("200 OK", "does not answer with a video"),
    ],
)
def test_what_the_server_of_a_stream_says_is_told(scheme: str, status: str, told: str) -> None:
    with answering(status) as port:
        url = f"{scheme}://me:secret@127.0.0.1:{port}/stream"
        with pytest.raises(InputError) as caught:
            Video(url)
    assert str(caught.value) == f"{url}: {told}"


def test_a_password_that_is_not_written_as_in_a_url_is_explained() -> None:
    with pytest.raises(InputError, match="in a password write %2F for /"):
        Video("rtsp://me:sec#ret@127.0.0.1:9/stream")


def test_a_stream_that_ends_says_so(caplog: pytest.LogCaptureFixture) -> None:
    """Of which a file takes the place."""
    video = Video(f"file://{CLIP}")
    count = sum(1 for _ in video.frames())
    assert caplog.messages == [
        f"file://{CLIP}: ended after {count} frames; --live would open it again"
    ]


def test_few_threads_decode_a_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each holds a picture back, half a second with sixteen."""
    monkeypatch.setattr("video.capture.THREADS", 3)
    assert Video(f"file://{CLIP}")._capture.get(cv2.CAP_PROP_N_THREADS) == 3
