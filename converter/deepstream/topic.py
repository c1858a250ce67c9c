"""A Kafka topic's address: which servers, which topic, which settings."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

from converter.errors import InputError

SCHEME = "kafka://"


@dataclass(frozen=True)
class Topic:
    """A topic as `kafka://HOST:PORT[,HOST:PORT]/TOPIC[?KEY=VALUE&...]` names it.

    Attributes:
        servers: Hosts with their ports, separated by commas.
        name: Of the topic.
        settings: Of librdkafka, unless the program knows the key.
    """

    servers: str
    name: str
    settings: dict[str, str]

    @classmethod
    def parse(cls, url: str) -> Topic:
        """Take a URL apart.

        Raises:
            InputError: Something is missing or wrong.
        """
        try:
            parts = urlsplit(url)
        except ValueError:  # brackets that are no IPv6 address
            parts = urlsplit("")
        name = parts.path.strip("/")
        if "@" in parts.netloc:  # librdkafka would take it for a host, and log it
            raise InputError(
                f"{SCHEME}{parts.netloc.rpartition('@')[2]}: a user cannot stand before the host; "
                "add the keys sasl.username and sasl.password"
            )
        if not parts.netloc or not name or "/" in name:
            raise InputError(f"{url}: must be {SCHEME}HOST:PORT/TOPIC")
        return cls(parts.netloc, name, dict(parse_qsl(parts.query)))

    def __str__(self) -> str:
        return f"topic {self.name} of {self.servers}"
