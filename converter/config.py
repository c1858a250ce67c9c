"""The settings of converting poses for the network; all defaults live here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches
from math import isfinite
from typing import Any, Final

import numpy as np

from converter.errors import InputError, check_choice
from converter.resample import NETWORK_RATE, frames_before

# Pose type -> (channels of the network input, key of the pose in DeepStream's JSON).
POSE_TYPES: Final = {"3dbp": (3, "pose3d"), "25dbp": (3, "pose25d"), "2dbp": (2, "pose25d")}

# A number that YAML 1.1 reads as text: it wants a point and a sign, as in 1.0e+3.
_EXPONENT: Final = re.compile(r"[-+]?\d+(\.\d*)?[eE][-+]?\d+")
_ALIASES: Final = {"input_width": "frame_width", "input_height": "frame_height"}


@dataclass(frozen=True)
class ConvertConfig:
    """How poses become network inputs (the keys of TAO's `dataset_convert_config` YAML).

    Attributes:
        pose_type: `3dbp` (3D, relative to the pelvis), `25dbp` (image and relative depth) or
            `2dbp` (image).
        num_joints: V.
        frame_width: Width in pixels of the frame that `pose25d` refers to.
        frame_height: Height in pixels of the frame that `pose25d` refers to.
        focal_length: Divisor of `pose3d`: focal length in pixels of the camera.
        sequence_length_max: T of the network input.
        sequence_length_min: Shortest stretch in frames that is worth a segment.
        sequence_length: Frames of a segment.
        sequence_overlap: Distance between the starts of two segments as a fraction of
            `sequence_length`. The name is NVIDIA's and misleading: 0.2 makes segments that share
            80 % of their frames.
        max_gap: A track ends when more than this many frames are missing between two poses;
            None joins whatever has the same id. One second at 30 frames/s.
        reorder_frames: How many frames late a pose may arrive and still be sorted into its place.
        frame_rate: Poses a second of a track. Another rate than `NETWORK_RATE` is interpolated to
            it on the way to the network, whose frames the `sequence_length`s count; `max_gap` and
            `reorder_frames` count frames of the track.

    Raises:
        InputError: A value has the wrong type or range.
    """

    pose_type: str = "3dbp"
    num_joints: int = 34
    frame_width: int = 1920
    frame_height: int = 1080
    focal_length: float = 1200.0
    sequence_length_max: int = 300
    sequence_length_min: int = 10
    sequence_length: int = 100
    sequence_overlap: float = 0.5
    max_gap: int | None = 30
    reorder_frames: int = 30
    frame_rate: float = NETWORK_RATE

    def __post_init__(self) -> None:
        for each in fields(self):
            typed = _typed(getattr(self, each.name), str(each.type), each.name)
            object.__setattr__(self, each.name, typed)
        check_choice("pose_type", self.pose_type, POSE_TYPES)
        for name in ("frame_width", "frame_height", "focal_length", "num_joints", "frame_rate"):
            _at_least(name, getattr(self, name), 0, strict=True)
        _at_least("sequence_length_min", self.sequence_length_min, 1)
        _at_least("reorder_frames", self.reorder_frames, 0)
        _at_least("max_gap", self.max_gap or 0, 0)
        if not self.sequence_length_min <= self.sequence_length <= self.sequence_length_max:
            raise InputError(
                "sequence_length_min <= sequence_length <= sequence_length_max must hold, got "
                f"{self.sequence_length_min}, {self.sequence_length}, {self.sequence_length_max}"
            )
        if not 0 < self.sequence_overlap < 1 or self.stride < 1:
            raise InputError(
                f"sequence_overlap is {self.sequence_overlap}, must be above 0, below 1 and give a "
                "stride of at least 1 frame: it is the stride as a fraction of the "
                f"{self.segment_frames} frames of a segment"
            )

    @property
    def segment_frames(self) -> int:
        """Frames of a track that make a segment."""
        return frames_before(self.sequence_length, self.frame_rate)

    @property
    def segment_frames_min(self) -> int:
        """Frames of a track that are worth a segment."""
        return frames_before(self.sequence_length_min, self.frame_rate)

    @property
    def stride(self) -> int:
        """Frames of a track between the starts of two segments."""
        return int(self.segment_frames * self.sequence_overlap)

    @property
    def channels(self) -> int:
        """C of the network input."""
        return POSE_TYPES[self.pose_type][0]

    @property
    def pose_key(self) -> str:
        """The key of DeepStream's JSON that holds the poses."""
        return POSE_TYPES[self.pose_type][1]

    @property
    def frame_size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return self.frame_width, self.frame_height

    @classmethod
    def from_mapping(
        cls, mapping: Mapping[str, Any], source: str = "dataset_convert_config"
    ) -> ConvertConfig:
        """Build the settings from a mapping such as a YAML file holds.

        Args:
            mapping: Any of the attributes; `input_width` and `input_height` are other names of
                `frame_width` and `frame_height`.
            source: Where the mapping comes from, for messages.

        Raises:
            InputError: A key is unknown or a value has the wrong type or range.
        """
        if not isinstance(mapping, Mapping):
            raise InputError(f"{source}: must hold settings, as `focal_length: 1200`")
        types = {field.name: str(field.type) for field in fields(cls)}
        values: dict[str, Any] = {}
        for key, value in mapping.items():
            name = _ALIASES.get(key, key)
            if name not in types:
                near = get_close_matches(str(key), [*types, *_ALIASES], n=1, cutoff=0)
                raise InputError(f"{source}: unknown key '{key}'; the nearest is '{near[0]}'")
            typed = _typed(value, types[name], f"{source}: {key}")
            if values.setdefault(name, typed) != typed:
                raise InputError(f"{source}: '{name}' is given under both of its names: keep one")
        try:
            return cls(**values)
        except InputError as error:
            raise InputError(f"{source}: {error}") from None


def _at_least(name: str, value: float, bound: float, *, strict: bool = False) -> None:
    if not (value > bound if strict else value >= bound):
        raise InputError(f"{name} is {value}, must be {'above' if strict else 'at least'} {bound}")


def _typed(value: Any, annotation: str, where: str) -> Any:
    if isinstance(value, str):
        if annotation == "str":
            return value
        if _EXPONENT.fullmatch(value):
            value = float(value)
    if value is None and "None" in annotation:
        return None
    number = isinstance(value, (int, float, np.integer, np.floating))
    if number and not isinstance(value, bool) and isfinite(value):
        if annotation == "float":
            return float(value)
        if annotation.startswith("int") and value == int(value):
            return int(value)
    finite = "a finite number" if number and not isfinite(value) else "a number"
    kind = {"str": "text", "float": finite}.get(annotation, "a whole number")
    raise InputError(f"{where} is {value!r}, must be {kind}")
