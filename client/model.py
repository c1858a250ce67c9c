"""What the server says about a model, and whether data fit it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from client.settings import Settings
from converter import ConvertConfig, InputError

# The axes of one sequence, and what to do when an axis does not fit the model.
NETWORK_AXES = ("C", "T", "V", "M")
RAW_AXES = ("T", "V", "4")
ADVICE = {
    "C": "convert with the pose_type the model was trained for (2dbp makes 2 channels, others 3)",
    "T": "cut longer sequences into segments, fill shorter ones with zero frames behind",
    "V": "map the joints to the model's layout with converter.joint_map",
    "M": "give each person a sequence of its own",
    "4": "give x, y, z and confidence of each joint",
}


@dataclass(frozen=True)
class ModelInfo:
    """A served model, as far as this client needs to know.

    Attributes:
        name: Its name on the server.
        input: Name of its input of sequences.
        logits: Name of its output of logits.
        score: Name of its output of ranked probabilities; None for a bare network.
        unknown: Name of its output of the logit of "unknown"; None if it cannot answer that.
        options: Its other inputs that this client can fill.
        shape: Sizes of one sequence; None is free. (C, T, V, M), or (T, V, 4) if `raw`.
        classes: How many classes it tells apart.
        raw: True for the ensemble, which takes keypoints and normalises them on the server.
        batched: Whether tensors have a batch axis in front.
        max_batch: How many sequences fit in one request.
        pose_type: What its configuration says that it was trained on; None: it does not say.
    """

    name: str
    input: str
    logits: str
    score: str | None
    unknown: str | None
    options: frozenset[str]
    shape: tuple[int | None, ...]
    classes: int
    raw: bool
    batched: bool
    max_batch: int
    pose_type: str | None = None

    @classmethod
    def from_server(cls, metadata: Mapping[str, Any], config: Mapping[str, Any]) -> ModelInfo:
        """Read the metadata and the configuration of a model.

        Raises:
            InputError: It is not a pose classification model.
        """
        name = metadata["name"]
        inputs = {tensor["name"]: tensor for tensor in metadata["inputs"]}
        outputs = {tensor["name"]: tensor for tensor in metadata["outputs"]}
        raw = "keypoints" in inputs
        wanted_input = "keypoints" if raw else _only(inputs, "input", name)
        logits = "logits" if raw else _only(outputs, "fc_pred", name)
        if logits not in outputs:
            raise InputError(f"model {name!r} has no output {logits!r}: choose another with -m")
        for tensor in (inputs[wanted_input], outputs[logits]):
            if tensor["datatype"] != "FP32":
                raise InputError(
                    f"model {name!r}: tensor {tensor['name']!r} is {tensor['datatype']}; "
                    "export the model with FP32 inputs and outputs"
                )
        max_batch = int(config.get("max_batch_size", 0))
        axes = RAW_AXES if raw else NETWORK_AXES
        shape = _sizes(inputs[wanted_input])
        batched = len(shape) == len(axes) + 1
        if len(shape) - batched != len(axes) or (max_batch > 0 and not batched):
            raise InputError(
                f"model {name!r} takes {wanted_input} of shape {shape}, not "
                f"({','.join(('N', *axes))}): choose a pose classification model with -m"
            )
        classes = _sizes(outputs[logits])[-1]
        if classes is None:
            raise InputError(f"model {name!r} does not say how many classes {logits!r} has")
        can_tell = "unknown" in inputs and "unknown_logit" in outputs
        return cls(
            name=name,
            input=wanted_input,
            logits=logits,
            score="score" if raw and "score" in outputs else None,
            unknown="unknown_logit" if can_tell else None,
            options=frozenset(inputs) - {wanted_input},
            shape=shape[batched:],
            classes=classes,
            raw=raw,
            batched=batched,
            max_batch=max(max_batch, 1),
            pose_type=config.get("parameters", {}).get("pose_type", {}).get("string_value"),
        )

    @property
    def axes(self) -> tuple[str, ...]:
        """Names of the axes of one sequence."""
        return RAW_AXES if self.raw else NETWORK_AXES

    def check_sequences(self, shape: tuple[int, ...], name: str) -> None:
        """Compare an array of sequences (N, ...) with the model.

        Raises:
            InputError: Naming the axis that does not fit and what to do.
        """
        axes = ",".join(("N", *self.axes))
        if len(shape) != len(self.axes) + 1:
            kind = "raw keypoints" if self.raw else "normalised sequences"
            raise InputError(
                f"{name}: has {len(shape)} dimensions {shape}, but model {self.name!r} takes "
                f"{kind} ({axes})"
            )
        if 0 in shape:
            raise InputError(f"{name}: holds no data, its shape ({axes}) is {shape}")
        for axis, size, wanted in zip(self.axes, shape[1:], self.shape, strict=True):
            if wanted is not None and size != wanted:
                raise InputError(
                    f"{name}: has {axis}={size} in its shape ({axes}) = {shape}, but model "
                    f"{self.name!r} takes {axis}={wanted}: {ADVICE[axis]}"
                )

    def check_convert(self, convert: ConvertConfig) -> None:
        """Compare what a conversion will make with the model.

        Raises:
            InputError: Naming the key that does not fit.
        """
        if self.pose_type not in (None, convert.pose_type):
            raise InputError(
                f"dataset_convert_config: pose_type is {convert.pose_type}, but model "
                f"{self.name!r} was trained on {self.pose_type}: change pose_type, or choose "
                "another model with -m"
            )
        made = {
            "C": (convert.channels, f"pose_type {convert.pose_type}"),
            "T": (convert.sequence_length_max, "sequence_length_max"),
            "V": (convert.num_joints, "num_joints"),
        }
        for axis, wanted in zip(self.axes, self.shape, strict=True):
            size, key = made.get(axis, (wanted, ""))
            if wanted is not None and size != wanted:
                raise InputError(
                    f"dataset_convert_config: {key} makes sequences of {axis}={size}, but model "
                    f"{self.name!r} takes {axis}={wanted}: change {key}"
                )

    def suited(self, convert: ConvertConfig) -> ConvertConfig:
        """Settings that nobody chose, with the model's pose type where it states one."""
        return replace(convert, pose_type=self.pose_type or convert.pose_type)

    def check_unknown(self) -> None:
        """See that the model can answer "unknown".

        Raises:
            InputError: It cannot.
        """
        if self.unknown is None:
            raise InputError(
                f"--unknown: model {self.name!r} has no such answer: choose an ensemble with -m, "
                "as in -m pose_classification"
            )

    def request_size(self, settings: Settings) -> int:
        """How many sequences to put in one request."""
        return min(settings.batch_size, self.max_batch)

    def in_flight(self, settings: Settings) -> int:
        """How many requests to have on their way; by default they fill two batches."""
        return settings.in_flight or -(-2 * self.max_batch // self.request_size(settings))


def _sizes(tensor: Mapping[str, Any]) -> tuple[int | None, ...]:
    sizes = [int(size) for size in tensor["shape"]]  # gRPC's JSON has them as text
    return tuple(None if size < 0 else size for size in sizes)


def _only(tensors: Mapping[str, Any], usual: str, model: str) -> str:
    """The name of the one tensor, or of the usual one among several."""
    if len(tensors) == 1 or usual in tensors:
        return usual if usual in tensors else next(iter(tensors))
    raise InputError(
        f"model {model!r} has tensors {', '.join(tensors)}; a pose classification network has one "
        f"input and one output: choose another with -m"
    )
