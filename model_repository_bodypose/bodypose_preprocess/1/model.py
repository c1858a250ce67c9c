"""Triton model: a photo to the network's input, padded and scaled as `bpnet evaluate` does it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import triton_python_backend_utils as pb

from converter.bodypose import NetworkFacts
from converter.errors import InputError

# A file of a few kilobytes may claim billions of pixels; OpenCV reads this when it is imported.
os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(2**26))

from converter.bodypose.photo import Normaliser, decode_image, fit_photo

NETWORK = "bodypose_net"
PADDED_MAX = 2**28  # pixels; a strip of few bytes would be padded to a square of gigabytes


class TritonPythonModel:
    """Answers a request for a photo with a batch of one, or with what is wrong with it."""

    def initialize(self, args: dict[str, str]) -> None:
        """Read the size of the input in the configuration, its scaling beside the network."""
        outputs = {item["name"]: item for item in json.loads(args["model_config"])["output"]}
        _, height, width, _ = outputs["input"]["dims"]
        self.shape = int(height), int(width)
        network = Path(args["model_repository"]).parent / NETWORK
        self.normalise = Normaliser(NetworkFacts.of_model(network))

    def execute(self, requests: list[Any]) -> list[Any]:
        """Fit each photo."""
        return [self._answer(request) for request in requests]

    def _answer(self, request: Any) -> Any:
        try:
            photo = _photo(request)
            self._check_size(*photo.shape[:2])
            image, place = fit_photo(photo, self.shape, "pad_image_input")
        except InputError as error:
            return pb.InferenceResponse(
                error=pb.TritonError(str(error), pb.TritonError.INVALID_ARG)
            )
        placement = np.array([*place.scale, *place.pad], np.float32)
        outputs = {"input": self.normalise(image)[np.newaxis], "placement": placement}
        return pb.InferenceResponse([pb.Tensor(name, value) for name, value in outputs.items()])

    def _check_size(self, height: int, width: int) -> None:
        aspect = self.shape[1] / self.shape[0]
        if max(height, width / aspect) * max(width, height * aspect) > PADDED_MAX:
            raise InputError(
                f"a photo of {width}x{height} pixels takes too much memory when it is padded to "
                "the network's aspect: make it smaller, or cut it"
            )


def _photo(request: Any) -> np.ndarray:
    """(H, W, 3) uint8 RGB."""
    file, pixels = (pb.get_input_tensor_by_name(request, name) for name in ("image", "rgb"))
    if (file is None) == (pixels is None):
        raise InputError("give either image, a JPEG or PNG file, or rgb, its pixels")
    if file is not None:
        try:
            return decode_image(file.as_numpy()[0])
        except ValueError as error:
            raise InputError(f"image: {error}") from None
    photo = pixels.as_numpy()
    if not photo.size:
        raise InputError(f"rgb: an image of {photo.shape[1]}x{photo.shape[0]} pixels is empty")
    return photo
