from __future__ import annotations

import torch

from training.pose_classification.picture import fit_picture


def test_poses_are_fitted_person_by_person() -> None:
    x = torch.zeros(2, 3, 4, 5)
    x[0, 2] = 7.0
    # A triangle that walks 3 to the right in each frame, and two joints that are missing.
    x[1, :, :, :3] = torch.tensor([[0.0, 2.0, 1.0], [0.0, 0.0, 3.0], [1.0, 1.0, 1.0]])[:, None]
    x[1, 0, :, :3] += 3 * torch.arange(4)[:, None]
    fitted = fit_picture(x)
    torch.testing.assert_close(fitted[0], x[0])  # all in one point
    spread = (2 / 3 + 2) ** 0.5  # variance of 0, 2, 1 and of 0, 0, 3
    expected = (x[1, :2, :, :3] - torch.tensor([5.5, 1.0])[:, None, None]) / spread
    torch.testing.assert_close(fitted[1, :2, :, :3], expected)
    torch.testing.assert_close(fitted[1, 2], x[1, 2])
    assert not fitted[1, :, :, 3:].any()
    assert fit_picture(torch.zeros(1, 2, 3, 4)).isfinite().all()
