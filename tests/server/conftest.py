"""A Triton client over either protocol, and servers of one's own."""

from __future__ import annotations

import contextlib
import re
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import tritonclient.grpc
import tritonclient.http
from numpy.typing import NDArray
from tritonclient.utils import np_to_triton_dtype

from scripts.embedded_triton import EmbeddedTriton

NETWORK = "pose_classification_tao"
ENSEMBLE = "pose_classification"


class Client:
    """Sends arrays by name; `module` is tritonclient.http or tritonclient.grpc."""

    def __init__(self, module: ModuleType, url: str) -> None:
        self.module = module
        self.raw = module.InferenceServerClient(url)

    def inputs(self, **arrays: Any) -> list[Any]:
        tensors = []
        for name, array in arrays.items():
            tensor = self.module.InferInput(name, array.shape, np_to_triton_dtype(array.dtype))
            tensors.append(tensor.set_data_from_numpy(array))
        return tensors

    def outputs(self, names: Sequence[str], classes: int = 0) -> list[Any]:
        return [self.module.InferRequestedOutput(name, class_count=classes) for name in names]

    def infer(
        self, model: str, outputs: Sequence[str] = (), classes: int = 0, **arrays: Any
    ) -> Any:
        wanted = self.outputs(outputs, classes) if outputs else None
        return self.raw.infer(model, self.inputs(**arrays), outputs=wanted)

    def logits(self, clips: NDArray[Any]) -> NDArray[Any]:
        return np.asarray(self.infer(NETWORK, input=clips).as_numpy("fc_pred"))


def executions(client: Client, model: str) -> int:
    """How often a model has been run, the warm-up included; `client` must speak gRPC."""
    (stats,) = client.raw.get_inference_statistics(model).model_stats
    return int(stats.execution_count)


def scrape(server: EmbeddedTriton, name: str) -> int:
    """What the network counts: `requests` answered, its `runs`, `queue_us`, `compute_us`."""
    with urllib.request.urlopen(f"http://{server.metrics_url}/metrics") as page:
        (value,) = re.findall(rf"^pose_network_{name} (\S+)$", page.read().decode(), re.M)
    return int(float(value))


def with_parameters(repository: Path, **parameters: int | float) -> None:
    """Changes parameters of the embedded network; without a warm-up, which fills a short queue."""
    path = repository / NETWORK / "configs/embedded.pbtxt"
    text = path.read_text().partition("model_warmup")[0]
    for key, value in parameters.items():
        before, _, after = text.partition(f'"{key}" value {{ string_value: "')
        text = f'{before}"{key}" value {{ string_value: "{value}{after[after.index(chr(34)) :]}'
    path.write_text(text)


def url_of(module: ModuleType, server: EmbeddedTriton) -> str:
    return server.grpc_url if module is tritonclient.grpc else server.http_url


@pytest.fixture(params=[tritonclient.http, tritonclient.grpc], ids=["http", "grpc"])
def client(request: pytest.FixtureRequest, triton: EmbeddedTriton) -> Iterator[Client]:
    """A client of the session's server, once over HTTP and once over gRPC."""
    caller = Client(request.param, url_of(request.param, triton))
    yield caller
    caller.raw.close()


@pytest.fixture
def grpc(triton: EmbeddedTriton) -> Iterator[Client]:
    """A gRPC client, for what does not depend on the protocol."""
    caller = Client(tritonclient.grpc, triton.grpc_url)
    yield caller
    caller.raw.close()


@pytest.fixture
def serve(
    tmp_path: Path, make_repository: Callable[..., Path]
) -> Iterator[Callable[..., tuple[EmbeddedTriton, Client]]]:
    """Starts a server of the test's own: `server, client = serve(edit=..., **network)`.

    `edit` may change the repository before the start.
    """
    with contextlib.ExitStack() as running:

        def start(
            edit: Callable[[Path], None] | None = None, **network: Any
        ) -> tuple[EmbeddedTriton, Client]:
            repository = make_repository(tmp_path, **network)
            if edit is not None:
                edit(repository)
            server = running.enter_context(EmbeddedTriton(repository, log=tmp_path / "triton.log"))
            running.callback(server.kill)  # no need to wait for good order
            caller = Client(tritonclient.grpc, server.grpc_url)
            running.callback(caller.raw.close)
            return server, caller

        yield start
