"""What a served network wants to be fed and how to read it: the `model.json` beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from math import isfinite
from pathlib import Path
from typing import Any

from converter.config import POSE_TYPES
from converter.errors import InputError, check_choice

SIDECAR = "model.json"
PADDINGS = ("mask", "tao")
UNKNOWN = "unknown"
"""The answer for a sequence of which no class is likely enough."""


def newest_sidecar(folder: Path) -> Path:
    """Return where the sidecar of a model's newest version is, or would be.

    Args:
        folder: `model_repository/<model>`, with version folders `1`, `2` ...
    """
    versions = [path for path in folder.glob("*") if path.name.isdecimal() and path.is_dir()]
    return max(versions, key=lambda version: int(version.name), default=folder) / SIDECAR


@dataclass(frozen=True)
class Sidecar:
    """The facts about a network that those around it need; the defaults are those of NVIDIA's.

    Attributes:
        pose_type: What it was trained on, `3dbp`, `25dbp` or `2dbp`; None: not stated.
        stream: What it is fed: `joint`, or what is computed from the joints, such as `bone`.
        padding: `mask`: frames of zeros behind a sequence change nothing. `tao`: they do, and
            sequences must be filled up with them to the length of training.
        temperature: What the logits are divided by before the softmax (Guo et al., ICML 2017).
        unknown_logit: The logit of `unknown`: a sequence none of whose logits reaches it is
            unknown (MaxLogit, Hendrycks et al., ICML 2022); None: not stated.
    """

    pose_type: str | None = None
    stream: str = "joint"
    padding: str = "tao"
    temperature: float = 1.0
    unknown_logit: float | None = None

    @classmethod
    def of_model(cls, folder: Path) -> Sidecar:
        """Read the sidecar of the newest version in a model's folder of the repository.

        Args:
            folder: See `newest_sidecar`.

        Raises:
            InputError: It is not JSON, or a value is not one of those above.
        """
        path = newest_sidecar(folder)
        if not path.exists():
            return cls()
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise InputError(f"{path} is not JSON ({error}): export the network again") from error
        if not isinstance(values, dict):
            raise InputError(f"{path} must be a JSON object: export the network again")
        return cls.from_mapping(values, str(path))

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any], source: str) -> Sidecar:
        """Take the known keys; a sidecar has others, which are for people and for training.

        Raises:
            InputError: A value is not one of those above; names `source`.
        """
        known = {field.name for field in fields(cls)}
        sidecar = cls(**{key: value for key, value in values.items() if key in known})
        if sidecar.pose_type is not None:
            check_choice(f"{source}: pose_type", sidecar.pose_type, tuple(POSE_TYPES))
        check_choice(f"{source}: padding", sidecar.padding, PADDINGS)
        if not (_is_number(sidecar.temperature) and sidecar.temperature > 0):
            raise InputError(
                f"{source}: temperature is {sidecar.temperature!r}, must be a number above 0"
            )
        if not (sidecar.unknown_logit is None or _is_number(sidecar.unknown_logit)):
            raise InputError(
                f"{source}: unknown_logit is {sidecar.unknown_logit!r}, must be a number"
            )
        return sidecar


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and isfinite(value)
