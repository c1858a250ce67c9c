import numpy as np
import pytest

from converter.bodypose.photo import Placement
from training.bpnet.geometry import resample


@pytest.mark.parametrize("pad", [(0.0, 0.0), (-24.0, -16.0)])
def test_resampling_keeps_a_ramp_where_it_is(pad: tuple[float, float]):
    """A map that is linear in the photo stays so, but for the cubic's own 5 % of a cell."""
    source, target = Placement((0.5, 0.5), (0.0, 20.0)), Placement((1.0, 1.0), pad)
    x = (np.arange(25) + 0.5) * 8 / 0.5
    y = (np.arange(25) + 0.5) * 8 / 0.5 - 20
    maps = np.stack(np.meshgrid(x, y) * 3, axis=2).astype(np.float32)  # six channels
    found = resample(maps, source, target, (20, 30))
    assert found.shape == (20, 30, 6)
    inside = np.s_[4:-4, 4:-4]
    expected_x = np.broadcast_to((np.arange(30) + 0.5) * 8 - pad[0], (20, 30))[inside]
    expected_y = np.broadcast_to((np.arange(20) + 0.5) * 8 - pad[1], (30, 20)).T[inside]
    np.testing.assert_allclose(found[..., 4][inside], expected_x, atol=0.05 * 16)
    np.testing.assert_allclose(found[..., 5][inside], expected_y, atol=0.05 * 16)


def test_beyond_its_edges_a_map_goes_on_as_it_ends():
    maps = np.arange(6, dtype=np.float32).reshape(1, 6, 1)
    found = resample(maps, Placement((1.0, 1.0)), Placement((1.0, 1.0), (32.0, 0.0)), (1, 14))
    np.testing.assert_allclose(found[0, :, 0], [0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 5, 5, 5, 5])
