"""Triton model: the network in ONNX Runtime, for the embedded server, which has no such backend."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import triton_python_backend_utils as pb

from converter import ConvertConfig, InputError

FRAMES_MAX = ConvertConfig().sequence_length_max
FRAMES = 2  # axis of T in (N, C, T, V, M)


class TritonPythonModel:
    """One session for all requests; sequences of the same length are run together."""

    def initialize(self, args: dict[str, str]) -> None:
        """Loads the file that the configuration names, one thread a physical core."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = _physical_cores()
        name = json.loads(args["model_config"])["parameters"]["onnx_file"]["string_value"]
        path = Path(args["model_repository"]) / args["model_version"] / name
        self.session = onnxruntime.InferenceSession(
            path, options, providers=["CPUExecutionProvider"]
        )
        metadata = self.session.get_modelmeta().custom_metadata_map
        data_type = metadata.get("data_type", "fp32")
        pb.Logger.log_info(f"{name}: {data_type}, {options.intra_op_num_threads} threads")
        self.ignores_padding = metadata.get("padding") == "mask"
        self.input, self.output = self.session.get_inputs()[0], self.session.get_outputs()[0]
        frames = self.input.shape[FRAMES]
        self.exact_frames = frames if isinstance(frames, int) else None

    def execute(self, requests: list[Any]) -> list[Any]:
        """Answers a request for N sequences with logits (N, classes), or with what is wrong."""
        responses: list[Any] = [None] * len(requests)
        clips = [pb.get_input_tensor_by_name(request, "input").as_numpy() for request in requests]
        logits: dict[int, np.ndarray] = {}
        groups: dict[int, list[tuple[int, np.ndarray]]] = defaultdict(list)
        for index, clip in enumerate(clips):
            try:
                lengths = self._lengths(clip)
            except InputError as error:
                refusal = pb.TritonError(str(error), pb.TritonError.INVALID_ARG)
                responses[index] = pb.InferenceResponse(error=refusal)
            else:
                logits[index] = np.empty((len(clip), self.output.shape[1]), np.float32)
                for length in np.unique(lengths):
                    groups[length].append((index, np.flatnonzero(lengths == length)))
        for length, members in groups.items():
            batch = np.concatenate([clips[index][rows, :, :length] for index, rows in members])
            (answer,) = self.session.run([self.output.name], {self.input.name: batch})
            ends = np.cumsum([len(rows) for _, rows in members])[:-1]
            for (index, rows), part in zip(members, np.split(answer, ends), strict=True):
                logits[index][rows] = part
        for index, rows in logits.items():
            responses[index] = pb.InferenceResponse([pb.Tensor("fc_pred", rows)])
        return responses

    def _lengths(self, clip: np.ndarray) -> np.ndarray:
        """Frames of each sequence that the network has to see, (N,)."""
        frames = clip.shape[FRAMES]
        if self.exact_frames not in (None, frames):
            raise InputError(f"input has {frames} frames, this network takes {self.exact_frames}")
        if not 1 <= frames <= FRAMES_MAX:
            raise InputError(f"input has {frames} frames, must have 1 to {FRAMES_MAX}")
        if not np.isfinite(clip).all():
            raise InputError("input holds nan or inf")
        if not self.ignores_padding:
            return np.full(len(clip), frames)
        seen = clip.any(axis=(1, 3, 4))
        return np.where(seen.any(axis=1), frames - seen[:, ::-1].argmax(axis=1), 1)


def _physical_cores() -> int:
    """Cores this process may use, hardware threads of one core counted once."""
    cpus = [Path(f"/sys/devices/system/cpu/cpu{n}") for n in os.sched_getaffinity(0)]
    siblings = [cpu / "topology/thread_siblings_list" for cpu in cpus]
    return len({path.read_text() if path.exists() else str(path) for path in siblings})
