"""What those around a served 2D pose network need to know of it: its `model.json`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from converter.errors import InputError
from converter.sidecar import newest_sidecar


@dataclass(frozen=True)
class NetworkFacts:
    """Joints and the scaling of images, as the export noted them.

    Attributes:
        joints: names of the V joints.
        limbs: 0-based pairs of joints.
        image_scale: RGB values are divided by these three,
        image_offset: and these are subtracted.
    """

    joints: tuple[str, ...]
    limbs: tuple[tuple[int, int], ...]
    image_scale: tuple[float, ...]
    image_offset: tuple[float, ...]

    @classmethod
    def of_model(cls, folder: Path) -> NetworkFacts:
        """Read the sidecar of the newest version in a model's folder of a repository.

        Raises:
            InputError: it is missing, or not of such a network.
        """
        path = newest_sidecar(folder)
        try:
            facts = json.loads(path.read_text(encoding="utf-8"))
            pose, scaling = json.loads(facts["pose_config"]), json.loads(facts["normalization"])
            (person,) = [item for item in pose["categories"] if item["name"] == "person"]
            return cls(
                tuple(person["keypoints"]),
                tuple((start - 1, end - 1) for start, end in person["skeleton"]),
                tuple(scaling["image_scale"]),
                tuple(scaling["image_offset"]),
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"{path}: not the description of a 2D pose network ({error!r}): export it again "
                "with `bpnet export --triton`"
            ) from None
