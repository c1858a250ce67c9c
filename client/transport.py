"""What the transports have in common: a request, and failures sorted by whether to try again."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy.typing as npt

from client.errors import ServerError
from client.settings import Settings

TENSOR_TYPES = {"O": "BYTES", "f": "FP32", "b": "BOOL"}  # by numpy's kind


@dataclass(frozen=True)
class Request:
    """One inference request.

    Attributes:
        id: Unique in a run.
        inputs: Tensors by name: float32, bool, or object arrays of str, which travel as BYTES.
        outputs: Wanted outputs by name; a number above 0 asks for that many classes through
            Triton's classification extension, 0 for the tensor itself.
    """

    id: str
    inputs: Mapping[str, npt.NDArray[Any]]
    outputs: Mapping[str, int]


class Transport(ABC):
    """A tritonclient asyncio client with failures of three kinds.

    `Unavailable`: try again; `ServerError`: do not; `InputError`: the server says that the
    request itself is wrong.

    Args:
        settings: The server and the model.
        library: `tritonclient.http` or `tritonclient.grpc`, for its tensor classes.
        client: The asyncio `InferenceServerClient` of that library.
        as_json: Keyword arguments that make the library's answers plain dictionaries.
    """

    def __init__(
        self, settings: Settings, library: Any, client: Any, as_json: Mapping[str, bool]
    ) -> None:
        self.settings = settings
        self._library = library
        self._client = client
        self._as_json = as_json

    @abstractmethod
    def translate(self, error: Exception) -> Exception:
        """Say of a library's error whether trying again can help."""

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Turn the library's errors inside the block into ours."""
        try:
            yield
        except Exception as error:
            raise self.translate(error) from error

    def stranger(self) -> ServerError:
        """The error that something else than Triton answers."""
        return ServerError(
            f"{self.settings.url} does not answer as Triton does: is this the right port (-u)?"
        )

    async def model_ready(self) -> bool:
        """Whether the model can be asked now."""
        with self.translated():
            ready = await self._client.is_model_ready(self.settings.model, self.settings.version)
        return bool(ready)

    async def metadata(self) -> dict[str, Any]:
        """The model's metadata, as JSON (gRPC gives 64-bit numbers as strings)."""
        with self.translated():
            answer: dict[str, Any] = await self._client.get_model_metadata(
                self.settings.model, self.settings.version, **self._as_json
            )
        if "name" not in answer:
            raise self.stranger()
        return answer

    async def config(self) -> dict[str, Any]:
        """The model's configuration, as JSON."""
        with self.translated():
            answer: dict[str, Any] = await self._client.get_model_config(
                self.settings.model, self.settings.version, **self._as_json
            )
        config: dict[str, Any] = answer.get("config", answer)  # gRPC wraps it
        return config

    async def repository_index(self) -> list[dict[str, str]]:
        """Every model the server knows: name, version, state, reason."""
        with self.translated():
            answer = await self._client.get_model_repository_index(**self._as_json)
        models: list[dict[str, str]] = answer.get("models", []) if self._as_json else answer
        return models

    async def infer(self, request: Request) -> Any:
        """Send one request; the result has `as_numpy(output name)`."""
        with self.translated():
            return await self._client.infer(**self.arguments(request))

    def arguments(self, request: Request) -> dict[str, Any]:
        """The request as keyword arguments of the library's `infer`."""
        inputs = []
        for name, array in request.inputs.items():
            kind = TENSOR_TYPES[array.dtype.kind]
            inputs.append(self._library.InferInput(name, list(array.shape), kind))
            inputs[-1].set_data_from_numpy(array)
        return {
            "model_name": self.settings.model,
            "model_version": self.settings.version,
            "request_id": request.id,
            "inputs": inputs,
            "outputs": [
                self._library.InferRequestedOutput(name, class_count=count)
                for name, count in request.outputs.items()
            ],
        }

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()


async def open_transport(settings: Settings) -> Transport:
    """Make the transport for `settings`; must run inside the event loop that will use it.

    The libraries are imported here, because they take longer to import than all the rest.
    """
    if settings.protocol == "http":
        from client.transport_http import HttpTransport

        return HttpTransport(settings)
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # else its core writes to stderr as well
    from client.transport_grpc import GrpcTransport, StreamTransport

    return StreamTransport(settings) if settings.streaming else GrpcTransport(settings)
