"""A network camera: the shipped clip over and over, as motion JPEG by HTTP, in real time.

Run as a program it is the camera itself: `cameras.py CLIP PORT`.
"""

from __future__ import annotations

import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import cv2

from tests.video.poses_clip import CLIP

RATE = 30


class Camera:
    """A camera that can be switched off and on again; it keeps its address."""

    def __init__(self) -> None:
        self._port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}/stream.mjpg"

    def switch_on(self) -> None:
        command = [sys.executable, "-m", "tests.video.cameras", str(CLIP), str(self._port)]
        self._process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=CLIP.parents[1]
        )
        assert self._process.stdout
        self._port = int(self._process.stdout.readline())

    def switch_off(self) -> None:
        self._process.kill()
        self._process.communicate()

    def __enter__(self) -> Camera:
        self.switch_on()
        return self

    def __exit__(self, *_: object) -> None:
        self.switch_off()


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=f")
        self.end_headers()
        while True:
            clip = cv2.VideoCapture(sys.argv[1])
            while (read := clip.read())[0]:
                jpeg = cv2.imencode(".jpg", read[1])[1].tobytes()
                head = b"--f\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n"
                self.wfile.write(head % len(jpeg) + jpeg + b"\r\n")
                time.sleep(1 / RATE)

    def log_message(self, *words: object) -> None:
        pass


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2])), _Handler)
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    server.serve_forever()
