"""Client of pose classification models on Triton, as a library; see `docs/client.md`."""

from client.errors import ServerError
from client.pipeline import Ranked, Result
from client.session import Client, annotate, classify
from client.settings import Settings, Tls
from converter import ConvertConfig, InputError

__all__ = [
    "Client",
    "ConvertConfig",
    "InputError",
    "Ranked",
    "Result",
    "ServerError",
    "Settings",
    "Tls",
    "annotate",
    "classify",
]
