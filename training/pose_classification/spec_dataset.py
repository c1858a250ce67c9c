"""The section `dataset` of a spec: what is read, and what happens to it on the way in."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from training.common.spec import OptionalText, SpecModel
from training.pose_classification.spec_deploy import PoseType
from training.pose_classification.streams import Stream


def _for_each_axis(value: object) -> object:
    return value if isinstance(value, list) else [value] * 3


Angles = Annotated[
    list[Annotated[float, Field(ge=0, le=3.15)]],
    BeforeValidator(_for_each_axis),
    Field(min_length=3, max_length=3),
]
"""Three angles in radians; a number stands for three of it."""


class SkeletonData(SpecModel):
    """A set of labelled sequences."""

    data_path: OptionalText = Field(
        default=None,
        description="Sequences: .npy of shape (N, C, T, V, M).",
    )
    label_path: OptionalText = Field(
        default=None,
        description="Labels: TAO's pickle, or JSON, of [names of N samples, N class ids].",
    )


class DatasetSpec(SpecModel):
    """Training data and how it is fed."""

    train_dataset: SkeletonData = Field(default=SkeletonData(), description="Training data.")
    val_dataset: SkeletonData = Field(default=SkeletonData(), description="Validation data.")
    num_classes: int = Field(default=6, gt=0, description="Number of action classes.")
    label_map: dict[str, int] = Field(
        default={},
        description="Class names and their ids, from 0; all ids must be named. Left out: those of "
        "the checkpoint, or class_0, class_1 and so on.",
    )
    random_choose: bool = Field(
        default=False,
        description="Train on a random stretch of window_size frames of each sequence.",
    )
    random_move: bool = Field(
        default=False, description="Rotate, scale and shift sequences in the image plane at random."
    )
    window_size: int = Field(
        default=-1,
        ge=-1,
        description="Frames of a training sequence; -1: as many as the array has. Shorter ones are "
        "filled up with zeros, longer ones are cut by random_choose only.",
    )
    batch_size: int = Field(default=64, gt=0, description="Batch size.")
    num_workers: int = Field(
        default=1, ge=0, description="Processes that load data; 0 loads in the training process."
    )
    pose_type: PoseType = Field(
        default="3dbp", description="Beyond TAO: type of the poses; written into exported models."
    )
    stream: Stream = Field(
        default="joint",
        description="Beyond TAO: feed positions (joint), vectors along the bones (bone), or the "
        "difference of either to the next frame.",
    )
    sampling: Literal["none", "uniform", "random"] = Field(
        default="none",
        description="Beyond TAO: uniform cuts the sequence into clip_length equal parts and takes "
        "one frame from each, at random (PYSKL); random takes clip_length frames from anywhere, in "
        "order (SGN).",
    )
    clip_length: int = Field(
        default=100,
        gt=0,
        description="Beyond TAO: frames that sampling takes.",
    )
    num_test_clips: int = Field(
        default=1,
        gt=0,
        description="Beyond TAO: clips per sequence whose logits are averaged in tests, with "
        "sampling.",
    )
    pre_normalise: bool = Field(
        default=False,
        description="Beyond TAO: put the first frame's centre at the origin and turn the spine to "
        "z and the shoulders to x (3D poses).",
    )
    fit_box: bool = Field(
        default=False,
        description="Beyond TAO: stretch every axis of the sequence to -1..1, after random turns "
        "(CTR-GCN on NW-UCLA).",
    )
    random_rotation: Angles = Field(
        default=[0.0, 0.0, 0.0],
        description="Beyond TAO: largest random rotation about x, y and z in radians; one number "
        "is for all three.",
    )
    random_scale: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="Beyond TAO: scale each axis by up to this, up or down.",
    )
    random_flip: float = Field(
        default=0.0, ge=0, le=1, description="Beyond TAO: probability to swap left and right."
    )
    random_jitter: float = Field(
        default=0.0,
        ge=0,
        description="Beyond TAO: standard deviation of random offsets of the joints, in the unit "
        "of the data.",
    )
    random_crop: float = Field(
        default=1.0,
        gt=0,
        le=1,
        description="Beyond TAO: smallest share of a sequence that a training clip is taken from, "
        "with sampling.",
    )
    repeat: int = Field(
        default=1, gt=0, description="Beyond TAO: how often each sequence is seen in one epoch."
    )
    batch_by_length: bool = Field(
        default=False,
        description="Beyond TAO: train on batches of sequences of similar lengths, without their "
        "padding; faster, needs model.padding=mask.",
    )

    @field_validator("label_map", mode="before")
    @classmethod
    def _empty_is_default(cls, value: object) -> object:
        return {} if value is None else value

    @field_validator("window_size")
    @classmethod
    def _window_not_empty(cls, value: int) -> int:
        if value == 0:
            raise ValueError("0 is not allowed: should be -1 or a number of frames")
        return value

    @model_validator(mode="after")
    def _labels_fit_classes(self) -> DatasetSpec:
        names: dict[int, str] = {}
        for name, label in self.label_map.items():
            if not 0 <= label < self.num_classes:
                raise ValueError(
                    f"label_map.{name}: {label} is not allowed: num_classes is {self.num_classes}"
                )
            if label in names:
                raise ValueError(f"label_map: {names[label]} and {name} are both class {label}")
            names[label] = name
        missing = sorted(set(range(self.num_classes)) - set(names))
        if names and missing:
            raise ValueError(f"label_map: class {missing[0]} of {self.num_classes} has no name")
        return self

    @model_validator(mode="after")
    def _clips_are_sampled(self) -> DatasetSpec:
        for name in ("random_crop", "num_test_clips"):
            value = getattr(self, name)
            if value != 1 and self.sampling == "none":
                raise ValueError(f"{name}: {value} needs sampling=uniform or sampling=random")
        return self

    @property
    def class_names(self) -> list[str]:
        """Names in the order of the class ids; `class_<id>` where no label_map is given."""
        if not self.label_map:
            return [f"class_{label}" for label in range(self.num_classes)]
        return sorted(self.label_map, key=self.label_map.__getitem__)
