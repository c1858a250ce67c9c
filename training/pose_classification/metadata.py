"""What a trained network is: kept in its checkpoint, in its ONNX, and beside it in `model.json`.

`train` puts `ModelMetadata.of_spec(...).as_dict()` into each checkpoint under the key
:data:`CHECKPOINT_KEY`; `export` takes it from there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from converter import InputError
from training.common.version import program_version
from training.pose_classification.graph import load_layout
from training.pose_classification.spec import ExperimentSpec

CHECKPOINT_KEY = "metadata"
FP32, INT8 = "fp32", "int8"

# Facts that a spec states too, and where: they must agree with the checkpoint's.
_IN_SPEC = {
    "classes": "dataset.label_map",
    "layout": "model.graph_layout",
    "pose_type": "dataset.pose_type",
    "padding": "model.padding",
    "fit_picture": "model.fit_picture",
    "stream": "dataset.stream",
    "pre_normalise": "dataset.pre_normalise",
    "fit_box": "dataset.fit_box",
}
_NOT_TEXT = {
    "classes",
    "fit_picture",
    "pre_normalise",
    "fit_box",
    "temperature",
    "unknown_logit",
}


@dataclass(frozen=True)
class ModelMetadata:
    """Facts about a network that those who run it need.

    Attributes:
        classes: names in the order of the logits.
        layout: name of the skeleton layout.
        pose_type: `3dbp`, `25dbp` or `2dbp`.
        padding: `tao` or `mask`.
        fit_picture: whether it takes place and size in the picture out of the poses first.
        stream: what is fed: `joint`, `bone`, `joint_motion` or `bone_motion`.
        pre_normalise: whether poses were put upright before they were fed.
        fit_box: whether the axes of a motion were stretched from -1 to 1 before it was fed.
        temperature: divisor of the logits in softmax.
        unknown_logit: a sequence without a logit above it is of no class; None: not known.
        version: of this program, by git where it runs from a checkout.
        train_digest: SHA-256 of the training data and labels; empty: not known.
        data_type: what an exported network computes with: `fp32` or `int8`.
    """

    classes: tuple[str, ...]
    layout: str
    pose_type: str
    padding: str
    fit_picture: bool = False
    stream: str = "joint"
    pre_normalise: bool = False
    fit_box: bool = False
    temperature: float = 1.0
    unknown_logit: float | None = None
    version: str = ""
    train_digest: str = ""
    data_type: str = FP32

    @classmethod
    def of_spec(cls, spec: ExperimentSpec, train_digest: str = "") -> ModelMetadata:
        """The facts that a spec states, of a network trained now."""
        return cls(
            classes=tuple(spec.dataset.class_names),
            layout=load_layout(spec.model.graph_layout).name,
            pose_type=spec.dataset.pose_type,
            padding=spec.model.padding,
            fit_picture=spec.model.fit_picture,
            stream=spec.dataset.stream,
            pre_normalise=spec.dataset.pre_normalise,
            fit_box=spec.dataset.fit_box,
            version=program_version(),
            train_digest=train_digest,
        )

    @classmethod
    def of_checkpoint(
        cls, checkpoint: Mapping[str, Any], spec: ExperimentSpec, source: str
    ) -> ModelMetadata:
        """The facts in a checkpoint; those of the spec where it has none (NVIDIA's).

        Raises:
            InputError: checkpoint and spec contradict each other.
        """
        stated = cls.of_spec(spec)
        if CHECKPOINT_KEY not in checkpoint:
            return stated
        later = {"pre_normalise": stated.pre_normalise, "fit_box": stated.fit_box}
        own = cls.of_mapping(later | checkpoint[CHECKPOINT_KEY])  # older ones do not say these
        for name, key in _IN_SPEC.items():
            ours, theirs = getattr(own, name), getattr(stated, name)
            unnamed = name == "classes" and not spec.dataset.label_map
            if ours != theirs and not (unnamed and len(ours) == len(theirs)):
                raise InputError(f"{source}: was trained with {key} {ours}, the spec says {theirs}")
        return own

    @classmethod
    def of_mapping(cls, mapping: Mapping[str, Any]) -> ModelMetadata:
        """From :meth:`as_dict`, or from an ONNX file's properties, where all values are text."""
        known = {field.name for field in fields(cls)}
        values = {key: value for key, value in mapping.items() if key in known}
        for key in values.keys() & _NOT_TEXT:
            if isinstance(values[key], str):
                values[key] = json.loads(values[key])
        return cls(**values | {"classes": tuple(values["classes"])})

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for checkpoints and `model.json`."""
        return asdict(self) | {"classes": list(self.classes)}

    def as_properties(self) -> dict[str, str]:
        """Text values of all that is known, for an ONNX file; what is not text is JSON there."""
        return {
            key: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            for key, value in self.as_dict().items()
            if value is not None
        }
