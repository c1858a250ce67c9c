"""A TCP proxy in front of a server that goes wrong to order: slow, cut off, gone, or encrypted."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable

# What to do with the n-th inference request (from 0): None passes it on; a number of seconds
# passes it on late; bytes are sent as the answer; "drop" closes the connection instead.
Fault = float | bytes | str | None


def answer(status: str, body: str) -> bytes:
    """An HTTP answer."""
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


UNAVAILABLE = answer("503 Service Unavailable", '{"error":"try again later"}')


class FaultyProxy:
    """Listens on a free loopback port and passes bytes on to `upstream` ("host:port").

    Args:
        upstream: Where to pass them.
        fault: Asked at every request for inference over HTTP; not for other bytes.
        tls: Where given, the side of the clients is encrypted.
    """

    def __init__(
        self,
        upstream: str,
        fault: Callable[[int], Fault] = lambda _: None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        host, port = upstream.split(":")
        self._upstream = host, int(port)
        self._fault = fault
        self._tls = tls
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self.requests = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> FaultyProxy:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.drop()

    def drop(self) -> None:
        """Cut every connection."""
        for end in list(self._open):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError), contextlib.ExitStack() as ends:
            if self._tls is not None:
                client = self._tls.wrap_socket(client, server_side=True)
            server = socket.create_connection(self._upstream)
            for end in (client, server):
                ends.enter_context(end)
                self._open.add(end)
                ends.callback(self._open.discard, end)
            back = threading.Thread(target=self._pass_on, args=(server, client), daemon=True)
            back.start()
            self._pass_on(client, server, asked=True)
            back.join()

    def _pass_on(self, source: socket.socket, target: socket.socket, asked: bool = False) -> None:
        with contextlib.suppress(OSError):
            while block := source.recv(1 << 16):
                if asked and block.startswith(b"POST") and b"/infer HTTP" in block[:200]:
                    fault = self._next_fault()
                    if fault == "drop":
                        break
                    if isinstance(fault, bytes):
                        _swallow(block, source)
                        source.sendall(fault)
                        continue
                    if isinstance(fault, float):
                        time.sleep(fault)
                target.sendall(block)
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _next_fault(self) -> Fault:
        with self._lock:
            number, self.requests = self.requests, self.requests + 1
        return self._fault(number)


def _swallow(begin: bytes, source: socket.socket) -> None:
    """Read what follows of the request that begins with `begin`."""
    while b"\r\n\r\n" not in begin and (more := source.recv(1 << 16)):
        begin += more
    header, _, body = begin.partition(b"\r\n\r\n")
    match = re.search(rb"content-length: (\d+)", header, re.IGNORECASE)
    missing = int(match[1]) - len(body) if match else 0
    while missing > 0:
        missing -= len(source.recv(min(missing, 1 << 16)))
