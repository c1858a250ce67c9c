"""Single pixels against whole enlarged maps."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from training.bpnet.postprocess.upsample import EnlargedFields


@pytest.mark.parametrize("factor", [2, 4, 8])
def test_every_pixel_of_every_field_is_that_of_the_enlarged_map(factor: int) -> None:
    fields = np.random.default_rng(0).normal(size=(5, 4, 3, 2)).astype(np.float32)
    size = 4 * factor, 5 * factor
    y, x = np.mgrid[: size[1], : size[0]].astype(np.float32).reshape(2, -1)
    everywhere = [np.tile(axis, (3, 1)) for axis in (x, y)]
    values = EnlargedFields(fields, factor).at(np.arange(3), *everywhere)
    for field, found in zip(np.moveaxis(fields, 2, 0), values, strict=True):
        expected = cv2.resize(field, size, interpolation=cv2.INTER_CUBIC)
        np.testing.assert_allclose(found, expected.reshape(-1, 2), atol=1e-5)
