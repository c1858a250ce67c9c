"""Network inputs that INT8 is calibrated on: made of a folder of images, or kept from before."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from converter import InputError
from converter.bodypose.photo import Normaliser, fit_photo
from training.bpnet.arrays import Array
from training.bpnet.images import EXTENSIONS, read_image
from training.common.npy import open_npy
from training.common.results import write_atomic

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class CalibrationSource:
    """Where the inputs come from.

    Attributes:
        images: folder of images.
        data: .npy of their inputs, read where it exists, else written.
        count: how many images of the folder.
    """

    images: Path | None = None
    data: Path | None = None
    count: int = 10

    @property
    def is_given(self) -> bool:
        """Whether there is anything to calibrate on."""
        return self.images is not None or (self.data is not None and self.data.is_file())

    def inputs(self, normalise: Normaliser, shape: tuple[int, int], is_nhwc: bool) -> Array:
        """(n, H, W, 3) or (n, 3, H, W) float32, as the network takes them.

        Args:
            normalise: the network's scaling.
            shape: H, W.
            is_nhwc: whether channels come last.

        Raises:
            InputError: no images that can be read; kept inputs of another shape.
        """
        if self.data is not None and self.data.is_file():
            return _kept(self.data, (*shape, 3) if is_nhwc else (3, *shape))
        if self.images is None:
            raise InputError("give --cal_image_dir, a folder of images to calibrate on")
        photos = _photos(self.images, self.count)
        batch = np.stack([normalise(fit_photo(i, shape, "pad_image_input")[0]) for i in photos])
        batch = batch if is_nhwc else np.ascontiguousarray(batch.transpose(0, 3, 1, 2))
        if self.data is not None:
            write_atomic(self.data, lambda file: np.save(file, batch))
        return batch


NO_CALIBRATION = CalibrationSource()


def _kept(path: Path, shape: tuple[int, ...]) -> Array:
    data = open_npy(path)
    if data.shape[1:] != shape or data.dtype != np.float32:
        raise InputError(
            f"{path}: holds {data.dtype} of {data.shape[1:]}, the network takes {shape}: delete it"
        )
    if not len(data):
        raise InputError(f"{path}: holds the inputs of no image: delete it")
    return data


def _photos(folder: Path, count: int) -> list[Array]:
    """The first readable images of a folder, RGB."""
    images: list[Array] = []
    if folder.is_dir():
        for path in sorted(folder.iterdir()):
            if len(images) < count and path.suffix.lower() in EXTENSIONS:
                try:
                    images.append(read_image(path))
                except ValueError as error:
                    logger.warning("%s: %s", path, error)
    if not images:
        raise InputError(f"{folder}: no images to calibrate on")
    if len(images) < count:
        logger.warning("%s: calibrating on %d images instead of %d", folder, len(images), count)
    return images
