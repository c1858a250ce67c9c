import numpy as np
import pytest

from training.bpnet.geometry import GREY, Placement, fit_photo, resample


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


def test_resampling_keeps_a_ramp_where_it_is():
    """A map that is linear in the photo stays so, but for the cubic's own 5 % of a cell."""
    source, target = Placement((0.5, 0.5), (0.0, 20.0)), Placement((1.0, 1.0))
    x = (np.arange(25) + 0.5) * 8 / 0.5
    y = (np.arange(25) + 0.5) * 8 / 0.5 - 20
    maps = np.stack(np.meshgrid(x, y) * 3, axis=2).astype(np.float32)  # six channels
    found = resample(maps, source, target, (20, 30))
    assert found.shape == (20, 30, 6)
    inside = np.s_[4:-4, 4:-4]
    expected_x = np.broadcast_to((np.arange(30) + 0.5) * 8, (20, 30))[inside]
    expected_y = np.broadcast_to((np.arange(20) + 0.5) * 8, (30, 20)).T[inside]
    np.testing.assert_allclose(found[..., 4][inside], expected_x, atol=0.05 * 16)
    np.testing.assert_allclose(found[..., 5][inside], expected_y, atol=0.05 * 16)
