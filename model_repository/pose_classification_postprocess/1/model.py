"""Triton model: logits to class names and probabilities, ranked."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import triton_python_backend_utils as pb

from converter.errors import InputError
from converter.sidecar import UNKNOWN, Sidecar


class TritonPythonModel:
    """Answers a request for N sequences with label, score and logits, all (N, classes).

    Who asks for `unknown` gets it as one more class, whose logit is the same for all sequences.
    `<name>_postprocess` serves the network `<name>_tao`.
    """

    def initialize(self, args: dict[str, str]) -> None:
        """Read the network's class names, temperature and logit of `unknown`."""
        name = args["model_name"].removesuffix("postprocess") + "tao"
        folder = Path(args["model_repository"]).parent / name
        names = (folder / "labels.txt").read_text("utf-8").splitlines()
        config = (folder / "config.pbtxt").read_text("utf-8")
        stated = re.search(r'"fc_pred"[^}]*dims: *\[ *(\d+)', config)
        if stated is None or len(names) != int(stated[1]):
            raise InputError(
                f"{folder / 'labels.txt'} has {len(names)} lines, fc_pred in config.pbtxt "
                f"{stated and stated[1]} classes: bring both to the network's, one name a line"
            )
        self.labels = np.array([word.encode() for word in (*names, UNKNOWN)], dtype=np.object_)
        self.network = Sidecar.of_model(folder)

    def execute(self, requests: list[Any]) -> list[Any]:
        """Rank the rows of all requests at once, those with `unknown` apart from the others."""
        responses: list[Any] = [None] * len(requests)
        groups: dict[bool, list[tuple[int, np.ndarray]]] = defaultdict(list)
        for index, request in enumerate(requests):
            try:
                logits = _logits(request)
                unknown = self._asks_for_unknown(request)
            except InputError as error:
                refusal = pb.TritonError(str(error), pb.TritonError.INVALID_ARG)
                responses[index] = pb.InferenceResponse(error=refusal)
            else:
                groups[unknown].append((index, logits))
        for unknown, members in groups.items():
            outputs = self._rank(np.concatenate([logits for _, logits in members]), unknown)
            ends = np.cumsum([len(logits) for _, logits in members])[:-1]
            parts = zip(*(np.split(values, ends) for values in outputs.values()), strict=True)
            for (index, _), part in zip(members, parts, strict=True):
                responses[index] = _response(dict(zip(outputs, part, strict=True)))
        return responses

    def _asks_for_unknown(self, request: Any) -> bool:
        tensor = pb.get_input_tensor_by_name(request, "unknown")
        if tensor is None:
            return False
        flags = tensor.as_numpy()
        if flags.any() != flags.all():
            raise InputError(
                "unknown differs between the sequences of one request: send them apart"
            )
        if flags.all() and self.network.unknown_logit is None:
            raise InputError("the network cannot tell unknown: its model.json has no unknown_logit")
        return bool(flags.all())

    def _rank(self, logits: np.ndarray, unknown: bool) -> dict[str, np.ndarray]:
        level = np.full((len(logits), 1), self.network.unknown_logit, np.float32)  # None: nan
        candidates = np.concatenate([logits, level], axis=1) if unknown else logits
        with np.errstate(invalid="ignore", over="ignore"):  # refused below; exp(-inf) is 0
            powers = np.exp(
                (candidates - candidates.max(axis=1, keepdims=True)) / self.network.temperature
            )
        order = np.argsort(-candidates, axis=1, kind="stable")
        scores = np.take_along_axis(powers / powers.sum(axis=1, keepdims=True), order, axis=1)
        return {
            "label": self.labels[order],
            "score": scores,
            "logits": logits,
            "unknown_logit": level,
        }


def _logits(request: Any) -> np.ndarray:
    tensor = pb.get_input_tensor_by_name(request, "fc_pred")
    if tensor is None:  # Triton counts inputs, and `unknown` has been taken for it
        raise InputError("fc_pred is missing: send the logits, N x classes of FP32")
    return np.asarray(tensor.as_numpy())


def _response(outputs: dict[str, np.ndarray]) -> Any:
    if not np.isfinite(outputs["logits"]).all():
        return pb.InferenceResponse(error=pb.TritonError("the network returned nan or inf"))
    return pb.InferenceResponse([pb.Tensor(name, values) for name, values in outputs.items()])
