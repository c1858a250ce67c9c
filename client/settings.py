"""Which server to talk to and how: one frozen record, checked when it is made."""

from __future__ import annotations

import logging
import ssl
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from converter import InputError

log = logging.getLogger(__name__)

DEFAULT_PORTS = {"http": 8000, "grpc": 8001}
ENCRYPTED_SCHEMES = ("https", "grpcs")


@dataclass(frozen=True)
class Tls:
    """Files for an encrypted connection.

    Attributes:
        ca: Certificates to trust, PEM; the system's where None.
        certificate: Own certificate chain, PEM, for servers that ask for one.
        key: Private key of `certificate`, PEM.
    """

    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None

    def __post_init__(self) -> None:
        for path in (self.ca, self.certificate, self.key):
            if path is not None and not path.is_file():
                raise InputError(f"{path}: no such certificate or key file")
        if (self.certificate is None) != (self.key is None):
            raise InputError("a certificate needs its key: give --ssl-cert and --ssl-key together")
        self.context()

    def context(self) -> ssl.SSLContext:
        """Load the files.

        Raises:
            InputError: They hold no certificate, or the key of another one.
        """
        try:
            context = ssl.create_default_context(cafile=self.ca)
            if self.certificate is not None:
                context.load_cert_chain(self.certificate, self.key)
        except ssl.SSLError as error:
            files = ", ".join(str(path) for path in (self.ca, self.certificate, self.key) if path)
            raise InputError(f"{files}: cannot be used for TLS: {error}") from error
        return context


@dataclass(frozen=True)
class Settings:
    """How the client reaches the server and paces its requests.

    Attributes:
        url: `host[:port]`; "" is localhost on the protocol's port (HTTP 8000, gRPC 8001).
        protocol: "http" or "grpc". "https" without `tls` is plain HTTP, as in NVIDIA's client.
        tls: Encrypt the connection; None is plain.
        model: Name of the model on the server.
        version: Version of the model; "" is the server's choice (normally the latest).
        batch_size: Sequences in a request; lowered to the model's `max_batch_size`.
        in_flight: Requests sent and not yet answered; None fills two batches of the server.
        streaming: Send all requests over one gRPC stream.
        timeout: Seconds one attempt of a request may take.
        deadline: Seconds a request may take with all its retries; also how long to wait for a
            server that is starting.
        class_list: Class names for a model that has none, by class index.
        unknown: Let the model answer "unknown" where no class is likely enough.

    Raises:
        InputError: A value that cannot work.
    """

    url: str = ""
    protocol: str = "http"
    tls: Tls | None = None
    model: str = "pose_classification_tao"
    version: str = ""
    batch_size: int = 1
    in_flight: int | None = None
    streaming: bool = False
    timeout: float = 60.0
    deadline: float = 60.0
    class_list: tuple[str, ...] = ()
    unknown: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "protocol", self._plain_protocol())
        object.__setattr__(self, "url", self._address())
        if self.streaming and self.protocol != "grpc":
            raise InputError("Streaming is only allowed with gRPC protocol: add -i grpc")
        for name in ("batch_size", "in_flight", "timeout", "deadline"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise InputError(f"--{name.replace('_', '-')} must be above 0, not {value}")
        if self.version and not (self.version.isascii() and self.version.isdecimal()):
            raise InputError(f"--model-version must be a whole number, not {self.version!r}")

    def _plain_protocol(self) -> str:
        protocol = self.protocol.lower()
        if protocol == "https":
            if self.tls is None:
                log.warning("-i https is plain HTTP, as in NVIDIA's client; add --ssl to encrypt")
            return "http"
        if protocol not in DEFAULT_PORTS:
            raise InputError(f"unknown protocol {self.protocol!r}: choose http or grpc")
        return protocol

    def _address(self) -> str:
        try:
            url = urlsplit(self.url if "://" in self.url else f"//{self.url}")
            host = url.hostname or "localhost"
            host.encode("idna")  # refuses names that no name server knows
        except ValueError as error:
            raise InputError(f"-u {self.url}: is not HOST[:PORT]: {error}") from None
        if url.scheme in ENCRYPTED_SCHEMES and self.tls is None:
            raise InputError(f"-u {self.url}: add --ssl to encrypt, or leave out {url.scheme}://")
        try:
            port = DEFAULT_PORTS[self.protocol] if url.port is None else url.port
        except ValueError:
            port = 0
        if not port:
            raise InputError(
                f"-u {self.url}: the port must be a number from 1 to 65535, an IPv6 "
                "address in brackets, as in [::1]:8000"
            )
        path = url.path.rstrip("/")
        if path and self.protocol == "grpc":
            raise InputError(f"-u {self.url}: gRPC takes HOST[:PORT] only, leave out {path}")
        return f"[{host}]:{port}{path}" if ":" in host else f"{host}:{port}{path}"
