import struct
import zlib
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from converter.bodypose.photo import GREY, Normaliser, Placement, decode_image, fit_photo


def photo(height, width):
    rng = np.random.default_rng(0)
    return rng.integers(0, 255, (height, width, 3), np.uint8)


@pytest.mark.parametrize(
    ("size", "mode", "expected"),
    [
        ((200, 400), "adjust_network_input", (368, 736)),
        ((400, 200), "adjust_network_input", (736, 368)),
        ((480, 640), "adjust_network_input", (368, 496)),  # 490.67 -> 491, to whole cells
        ((200, 400), "pad_image_input", (368, 368)),
        ((200, 400), "None", (368, 368)),
    ],
)
def test_shapes(size, mode, expected):
    image, _ = fit_photo(photo(*size), (368, 368), mode)
    assert image.shape[:2] == expected


def test_padding_is_grey_and_equal_on_both_sides():
    image, placement = fit_photo(photo(100, 200), (96, 96), "pad_image_input")
    assert placement.pad == (0, 50)
    assert (image[:20] == GREY).all()
    assert (image[-20:] == GREY).all()
    assert not (image[40:50] == GREY).all()


def test_rest_to_whole_cells_is_grey():
    image, placement = fit_photo(photo(100, 99), (96, 96), "adjust_network_input")
    assert image.shape[:2] == (104, 96)
    assert (image[97:] == GREY).all()
    assert placement.scale[1] == pytest.approx(97 / 100)


@pytest.mark.parametrize("mode", ["adjust_network_input", "pad_image_input", "None"])
@pytest.mark.parametrize("size", [(120, 260), (260, 120), (55, 77)])
def test_places_go_there_and_back(mode, size):
    """A bright dot of the photo is found in the input, and its place leads back to the dot."""
    dark = np.zeros((*size, 3), np.uint8)
    y, x = size[0] // 3, size[1] // 2
    dark[y - 2 : y + 3, x - 2 : x + 3] = 255
    image, placement = fit_photo(dark, (288, 384), mode)
    bright = (image.astype(float).mean(axis=2) - 200).clip(0)  # not the padding
    total = bright.sum()
    place = np.array(
        [
            (bright.sum(axis=0) * np.arange(image.shape[1])).sum() / total,
            (bright.sum(axis=1) * np.arange(image.shape[0])).sum() / total,
        ]
    )
    np.testing.assert_allclose(placement.to_photo(place), (x, y), atol=0.25)


def test_points_of_an_enlarged_map():
    placement = Placement((2.0, 2.0), (10.0, 0.0))
    # Pixel 3 of a map with 4 input pixels each covers input pixels 12..15, centre 14 in edges.
    expected = 14 / 2 - 10 - 0.5, 14 / 2 - 0.5
    np.testing.assert_allclose(placement.to_photo(np.array([3.0, 3.0]), 4), expected)


def png(height, width):
    return cv2.imencode(".png", photo(height, width)[..., ::-1])[1].tobytes()


def test_decoded_images_are_rgb():
    np.testing.assert_array_equal(decode_image(png(20, 30)), photo(20, 30))
    assert decode_image(png(80, 120), reduced=True).shape == (10, 15)


def test_bytes_behind_a_jpeg_do_no_harm():
    data = cv2.imencode(".jpg", photo(20, 30))[1].tobytes()
    np.testing.assert_array_equal(decode_image(data + bytes(500)), decode_image(data))


def huge_png():
    """A PNG whose header claims 2 million by 2 million pixels."""
    header = b"IHDR" + struct.pack(">IIBBBBB", 2_000_000, 2_000_000, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    return png(8, 8)[:8] + chunk + png(8, 8)[33:]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not an image"),
        (b"hello", "not an image"),
        (b"\xff\xd8\xff\xe0 and no more", "cut off"),
        (huge_png(), "not an image"),
    ],
    ids=["empty", "text", "cut", "huge"],
)
def test_what_is_no_image_is_refused_in_one_line(data, message):
    with pytest.raises(ValueError, match=message) as caught:
        decode_image(data)
    assert len(str(caught.value).splitlines()) == 1


def test_scaling_is_per_channel():
    scaling = SimpleNamespace(image_scale=[256, 128, 64], image_offset=[0.5, 0, 1])
    found = Normaliser(scaling)(np.full((1, 1, 3), 64, np.uint8))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found[0, 0], [-0.25, 0.5, 0.0])
