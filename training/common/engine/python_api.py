"""TensorRT's Python package."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from converter import InputError
from training.common.engine.request import EngineRequest, FloatArray
from training.common.engine.trtexec import LAYERS, PLAN


class PythonApi:
    """The package `tensorrt`, or one with the same interface.

    Args:
        module: name of the package.

    Attributes:
        version: (major, minor, patch).
    """

    def __init__(self, module: str = "tensorrt") -> None:
        self.module = module
        self.trt: Any = importlib.import_module(module)
        major, minor, patch = (int(part) for part in self.trt.__version__.split(".")[:3])
        self.version = (major, minor, patch)

    @property
    def name(self) -> str:
        """For messages."""
        return f"the Python package {self.module} {self.trt.__version__}"

    def build(self, request: EngineRequest, onnx: Path, work: Path) -> None:
        """Write `work/model.plan` and `work/layers.json`."""
        import torch

        with torch.cuda.device(request.gpu):  # TensorRT builds for the current one
            plan = self.serialise(request, onnx)
            engine = self._load(plan, request)
            inspector = engine.create_engine_inspector()
            information = inspector.get_engine_information(self.trt.LayerInformationFormat.JSON)
        (work / PLAN).write_bytes(plan)
        (work / LAYERS).write_text(information)

    def serialise(self, request: EngineRequest, onnx: Path, capability: str | None = None) -> bytes:
        """Build an engine.

        Args:
            request: what is wanted.
            onnx: the network, in the wanted precision from TensorRT 11 on.
            capability: compute capability such as `SM89` to build for, where TensorRT can do
                that without the GPU (TensorRT-RTX).

        Returns:
            The engine's bytes.

        Raises:
            InputError: TensorRT does not accept the network.
            RuntimeError: it could not build the engine.
        """
        trt = self.trt
        logger = self._logger(request)
        builder = trt.Builder(logger)
        network = builder.create_network(0)
        parser = trt.OnnxParser(network, logger)
        if not parser.parse(onnx.read_bytes()):
            raise InputError(f"{onnx}: TensorRT refuses it: {parser.get_error(0).desc()}")
        config = builder.create_builder_config()
        config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, request.workspace << 20)
        config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED
        if request.precision == "fp32":
            config.clear_flag(trt.BuilderFlag.TF32)
        elif self.module == "tensorrt" and self.version[0] <= 10:
            config.set_flag(trt.BuilderFlag.FP16)
            if request.precision == "int8":
                config.set_flag(trt.BuilderFlag.INT8)
        profile = builder.create_optimization_profile()
        profile.set_shape(request.input, *request.shapes)
        config.add_optimization_profile(profile)
        if capability is not None:
            config.num_compute_capabilities = 1
            config.set_compute_capability(getattr(trt.ComputeCapability, capability), 0)
        plan = builder.build_serialized_network(network, config)
        if plan is None:
            raise RuntimeError(f"{onnx}: TensorRT built no engine; --verbose shows its log")
        return bytes(plan)

    def run(self, request: EngineRequest, work: Path, feed: FloatArray) -> dict[str, FloatArray]:
        """Run `work/model.plan` on one input; returns its outputs by name."""
        import torch

        from training.common.engine.session import EngineSession

        session = EngineSession(work / PLAN, torch.device("cuda", request.gpu), self.module)
        outputs = session({request.input: torch.from_numpy(feed)})
        return {name: tensor.cpu().numpy() for name, tensor in outputs.items()}

    def _load(self, plan: bytes, request: EngineRequest) -> Any:
        engine = self.trt.Runtime(self._logger(request)).deserialize_cuda_engine(plan)
        if engine is None:
            raise RuntimeError("TensorRT cannot load the engine it built")
        return engine

    def _logger(self, request: EngineRequest) -> Any:
        severity = self.trt.Logger.VERBOSE if request.verbose else self.trt.Logger.ERROR
        return self.trt.Logger(severity)
