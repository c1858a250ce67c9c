"""Triton model: raw keypoints to the network's input, by `converter`'s normalisation."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import triton_python_backend_utils as pb

from converter import ConvertConfig, InputError, normalise
from converter.sidecar import Sidecar

LONGEST_WORD = 20  # of a caller's text in a message; gRPC breaks off an answer with 16 kB of it


class TritonPythonModel:
    """Answers a request for N sequences with (N, C, T, V, 1), or with what is wrong with it.

    `<name>_preprocess` serves the network `<name>_tao`.
    """

    def initialize(self, args: dict[str, str]) -> None:
        """Read what the network was trained on."""
        name = args["model_name"].removesuffix("preprocess") + "tao"
        self.network = Sidecar.of_model(Path(args["model_repository"]).parent / name)
        if self.network.stream != "joint":
            raise InputError(f"{name} takes the stream {self.network.stream}, only joint is served")

    def execute(self, requests: list[Any]) -> list[Any]:
        """Normalise together all sequences of the same length and camera."""
        responses: list[Any] = [None] * len(requests)
        groups: dict[Any, list[tuple[int, np.ndarray]]] = defaultdict(list)
        for index, request in enumerate(requests):
            try:
                keypoints, config = self._read(request)
            except InputError as error:
                responses[index] = _refusal(str(error))
            else:
                groups[keypoints.shape[1:], config].append((index, keypoints))
        for (_, config), members in groups.items():
            clips = self._network_input(np.concatenate([k for _, k in members]), config)
            ends = np.cumsum([len(k) for _, k in members])[:-1]
            for (index, _), part in zip(members, np.split(clips, ends), strict=True):
                if np.isfinite(part).all():
                    responses[index] = pb.InferenceResponse([pb.Tensor("input", part)])
                else:
                    responses[index] = _refusal("keypoints are too large for focal_length")
        return responses

    def _read(self, request: Any) -> tuple[np.ndarray, ConvertConfig]:
        trained_on = self.network.pose_type
        given: dict[str, Any] = {} if trained_on is None else {"pose_type": trained_on}
        if (pose_type := _same_for_all(request, "pose_type")) is not None:
            word = pose_type[0].decode(errors="replace")[:LONGEST_WORD]
            given["pose_type"] = ascii(word)[1:-1]  # a NUL or a line break would end the message
        if (focal_length := _same_for_all(request, "focal_length")) is not None:
            given["focal_length"] = focal_length[0]
        if (frame_size := _same_for_all(request, "frame_size")) is not None:
            given["frame_width"], given["frame_height"] = frame_size
        config = ConvertConfig.from_mapping(given, source="request")
        if trained_on not in (None, config.pose_type):
            raise InputError(
                f"pose_type is {config.pose_type}, the network knows only {trained_on}"
            )
        tensor = pb.get_input_tensor_by_name(request, "keypoints")
        if tensor is None:  # Triton counts inputs, and an optional one has been taken for it
            raise InputError("keypoints are missing: send them, N x (T, 34, 4) of FP32")
        keypoints = tensor.as_numpy()
        if not 1 <= keypoints.shape[1] <= config.sequence_length_max:
            raise InputError(
                f"keypoints have {keypoints.shape[1]} frames, "
                f"must have 1 to {config.sequence_length_max}"
            )
        return keypoints, config

    def _network_input(self, keypoints: np.ndarray, config: ConvertConfig) -> np.ndarray:
        clips = normalise(keypoints, config.pose_type, config.focal_length, config.frame_size)
        behind = config.sequence_length_max - clips.shape[2] if self.network.padding == "tao" else 0
        return np.pad(clips, ((0, 0), (0, 0), (0, behind), (0, 0)))[..., np.newaxis]


def _same_for_all(request: Any, name: str) -> list[Any] | None:
    tensor = pb.get_input_tensor_by_name(request, name)
    if tensor is None:
        return None
    first, *others = tensor.as_numpy().tolist()
    if any(repr(other) != repr(first) for other in others):  # nan is like nan
        raise InputError(f"{name} differs between the sequences of one request: send them apart")
    return list(first)


def _refusal(message: str) -> Any:
    return pb.InferenceResponse(error=pb.TritonError(message, pb.TritonError.INVALID_ARG))
