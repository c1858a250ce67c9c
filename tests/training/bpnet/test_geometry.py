import numpy as np

from converter.bodypose.photo import Placement
from training.bpnet.geometry import resample


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
