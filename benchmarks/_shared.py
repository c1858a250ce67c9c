"""An array in system shared memory that a server is told of: nothing is sent but its name."""

from __future__ import annotations

import uuid
from typing import Any

import numpy as np
import tritonclient.utils.shared_memory as shared_memory


class SharedArray:
    """A region of its own for one float32 array, as long as the `with` lasts.

    Args:
        library: `tritonclient.grpc` or `tritonclient.http`.
        client: A client of that library.
        array: What the region holds.
    """

    def __init__(self, library: Any, client: Any, array: np.ndarray[Any, Any]) -> None:
        self._library, self._client, self._array = library, client, array
        self._name = f"pose_benchmark_{uuid.uuid4().hex}"

    def __enter__(self) -> SharedArray:
        key, size = f"/{self._name}", self._array.nbytes
        self._region = shared_memory.create_shared_memory_region(self._name, key, size)
        self._client.register_system_shared_memory(self._name, key, size)
        self.write()
        return self

    def __exit__(self, *_: object) -> None:
        self._client.unregister_system_shared_memory(self._name)
        shared_memory.destroy_shared_memory_region(self._region)

    def write(self) -> None:
        """Copy the array into the region, as a client does with every new batch."""
        shared_memory.set_shared_memory_region(self._region, [self._array])

    def tensor(self, name: str) -> Any:
        """The input `name`, which lies in the region."""
        tensor = self._library.InferInput(name, self._array.shape, "FP32")
        tensor.set_shared_memory(self._name, self._array.nbytes)
        return tensor
