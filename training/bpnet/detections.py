"""`detections.json`, written as it comes: memory does not grow with the number of images."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from converter.atomic import replacing
from converter.bodypose import People
from training.bpnet.arrays import Array
from training.bpnet.inference_spec import InferenceSpec
from training.bpnet.pose_config import PoseConfig


class DetectionsFile:
    """Entries of the list `images`."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._count = 0

    def add(self, path: str, people: People | None, **more: Any) -> None:
        """Append an image.

        Args:
            path: `full_image_path`.
            people: found in it; None for an image that could not be read, which gets no
                `keypoints`, as in the reference.
            **more: further keys.
        """
        entry: dict[str, Any] = {"full_image_path": path, "viz_id": self._count, **more}
        if people is not None:
            entry["keypoints"] = rounded(people.keypoints, 2)
            entry["joint_scores"] = rounded(people.joint_scores, 4)
            entry["scores"] = rounded(people.scores, 4)
        self._stream.write(b",\n" if self._count else b"\n")
        self._stream.write(json.dumps(entry).encode())
        self._count += 1


@contextmanager
def detections_file(path: Path, pose: PoseConfig, spec: InferenceSpec) -> Iterator[DetectionsFile]:
    """Open `detections.json`: the pose config, the inference spec, then the images.

    The file appears under its name when all images are in it.
    """
    header = {**pose.document, "inference_spec": spec.model_dump()}
    with replacing(path) as stream:
        stream.write(json.dumps(header)[:-1].encode() + b', "images": [')
        yield DetectionsFile(stream)
        stream.write(b"\n]}\n")


def rounded(values: Array, digits: int) -> list[Any]:
    """An array as nested lists of short numbers."""
    result: list[Any] = values.astype(float).round(digits).tolist()
    return result
