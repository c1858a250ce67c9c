"""The bytes of a file, plain or gzip, read in pieces of a size that the caller chooses."""

from __future__ import annotations

import stat
import zlib
from pathlib import Path

from converter.errors import InputError

GZIP_MAGIC = b"\x1f\x8b"
_COMPRESSED_PIECE = 1 << 18


class ByteStream:
    """A file opened for reading, unpacked when it holds gzip data (told by its first bytes).

    Attributes:
        size: Bytes of the file.
        identity: Changes when the file does.
        torn: The gzip data ended too early, as after a killed writer; set when the end is reached.

    Raises:
        InputError: The file cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            status = path.stat()
            if not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):
                raise InputError(
                    f"{path}: cannot be read twice, as needed; save it to a file first"
                )
            self._file = path.open("rb")
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error.strerror})") from None
        self.size = status.st_size
        self.identity = (status.st_ino, status.st_size, status.st_mtime_ns)
        self.torn = False
        packed = self._file.peek(2)[:2] == GZIP_MAGIC
        self._unpacker = zlib.decompressobj(wbits=31) if packed else None

    def __enter__(self) -> ByteStream:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    @property
    def position(self) -> int:
        """Bytes of the file read so far."""
        return self._file.tell()

    def read(self, count: int) -> bytes:
        """Return the next `count` bytes, fewer only at the end.

        Raises:
            InputError: The gzip data is damaged.
        """
        if self._unpacker is None:
            return self._file.read(count)
        unpacked = bytearray()
        try:
            while len(unpacked) < count and (piece := self._unpack(count - len(unpacked))):
                unpacked += piece
        except zlib.error as error:
            raise InputError(f"{self._path}: damaged gzip data ({error})") from None
        return bytes(unpacked)

    def _unpack(self, count: int) -> bytes:
        """Return 1 to `count` unpacked bytes; none at the end."""
        while True:
            assert self._unpacker is not None  # noqa: S101  # for the type checker
            packed = self._unpacker.unconsumed_tail
            if self._unpacker.eof:  # gzip files may be put one behind the other, padded with zeros
                packed = self._unpacker.unused_data.lstrip(b"\0") or self._file.read(
                    _COMPRESSED_PIECE
                ).lstrip(b"\0")
                if not packed:
                    return b""
                self._unpacker = zlib.decompressobj(wbits=31)
            packed = packed or self._file.read(_COMPRESSED_PIECE)
            piece = self._unpacker.decompress(packed, count)
            if piece:
                return piece
            if not packed and not self._unpacker.eof:
                self.torn = True
                return b""
