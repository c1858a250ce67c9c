"""A file that somebody is writing, followed as `tail -F` does."""

from __future__ import annotations

import logging
import os
import time
from io import FileIO
from pathlib import Path

from client.live.sources import Arrival, arrivals, refuse
from converter.deepstream.splitter import RecordSplitter

log = logging.getLogger(__name__)

BLOCK = 1 << 18  # bytes to read at a time


class FileSource:
    """A growing file, read from its start; see `LiveSource`.

    It need not be there yet, and may be replaced (the old one is read to its end first), cut to
    nothing and filled again, or go away and come back.

    Raises:
        InputError: It can never be such a file.
    """

    keeps = True

    def __init__(self, path: Path) -> None:
        if path.name.lower().endswith((".gz", ".npy")):
            raise refuse(str(path), "cannot be followed")
        if path.is_dir() or not path.parent.is_dir():
            raise refuse(str(path), "is a folder" if path.is_dir() else "its folder is missing")
        self.name = str(path)
        self._path = path
        self._file: FileIO | None = None
        self._splitter = RecordSplitter()
        self._missed = False
        self._look_again()

    def poll(self, timeout: float) -> list[Arrival]:
        """See `LiveSource.poll`; a file has no end."""
        data = self._file.read(BLOCK) if self._file else b""
        if data:
            return list(arrivals(self._splitter.feed(data), self.name))
        rest = self._look_again()
        if rest is None:
            time.sleep(timeout)
        return rest or []

    def close(self) -> None:
        """See `LiveSource.close`."""
        if self._file:
            self._file.close()

    def _look_again(self) -> list[Arrival] | None:
        """Open the file anew if it is another one; returns the broken end of the old one."""
        try:
            status = self._path.stat()
            if self._file is None:
                return self._open("found")
            own = os.fstat(self._file.fileno())
            if (status.st_dev, status.st_ino) != (own.st_dev, own.st_ino):
                if own.st_size > self._file.tell():  # grew since the last look
                    return []
                return self._open("is another file now")
            if status.st_size < self._file.tell():
                return self._open("was cut short")
            self._missed = False
        except OSError as error:
            if not self._missed:
                log.warning("%s: %s; waiting for it", self.name, error.strerror)
            self._missed = True
        return None

    def _open(self, why: str) -> list[Arrival]:
        file = self._path.open("rb", buffering=0)
        if self._file or self._missed:
            log.info("%s: %s, read from its start", self.name, why)
        self.close()
        self._file, self._missed = file, False
        rest = list(arrivals(self._splitter.end(), self.name))
        self._splitter = RecordSplitter()
        return rest
