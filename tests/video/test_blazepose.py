"""BlazePose on the shipped clip: as MediaPipe sees one person, and all three people."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.video.poses_clip import HEIGHT, PEOPLE, WIDTH, images, needs_networks
from video.blazepose.estimator import BlazePose
from video.blazepose.views import Views

# What `mediapipe.solutions.pose.Pose(model_complexity=1)` of MediaPipe 0.10.21 finds in the columns
# from 400 on of the clip's first frames: `raw` without its smoothing, `smooth` with it; `image` in
# pixels, `world` in metres, `visibility`.
REFERENCE = np.load(Path(__file__).parent / "mediapipe_reference.npz")


@needs_networks
@pytest.mark.parametrize("kind", ["raw", "smooth"])
def test_a_single_person_is_where_mediapipe_sees_them(kind: str) -> None:
    estimate = BlazePose(1, smooth=kind == "smooth", tiles=False)
    pixels, world, visibility = (REFERENCE[f"{kind}_{n}"] for n in ("image", "world", "visibility"))
    for number, image in enumerate(images(len(pixels))):
        (found,) = estimate(np.ascontiguousarray(image[:, 400:]), 1 + number / 30)
        apart = np.linalg.norm(found.image[:, :2] - pixels[number], axis=1)
        assert apart.mean() < 0.3
        assert apart.max() < 4
        assert np.abs(found.world - world[number]).mean() < 0.005
        assert np.abs(found.visibility - visibility[number]).max() < 0.05


@needs_networks
def test_all_people_are_found_once() -> None:
    estimate = BlazePose(6)
    for number, image in enumerate(images(4)):
        found = estimate(image, number / 30)
    hips = sorted(person.image[23:25, 0].mean() for person in found)
    assert len(hips) == PEOPLE
    np.testing.assert_allclose(hips, [268, 378, 480], atol=12)  # read off the picture


@needs_networks
def test_no_more_people_are_followed_than_asked_for() -> None:
    estimate = BlazePose(2)
    assert [len(estimate(image, n / 30)) for n, image in enumerate(images(2))] == [2, 2]


@needs_networks
def test_somebody_lost_is_found_again() -> None:
    first, second = images(2)
    estimate = BlazePose(1, tiles=False)
    cut = np.ascontiguousarray(first[:, 400:])
    assert len(estimate(cut, 0.0)) == 1
    assert estimate(np.zeros_like(cut), 0.1) == []
    assert len(estimate(np.ascontiguousarray(second[:, 400:]), 0.2)) == 1


@pytest.mark.parametrize("count", [1, 30, 60, 1000])
def test_no_view_is_looked_at_twice_in_a_frame(count: int) -> None:
    views = Views(WIDTH, HEIGHT)
    everything = set(views.next(400))
    seen = [views.next(count) for _ in range(4 * len(everything))]
    assert all(len(some) == len(set(some)) <= count for some in seen)
    assert {view for some in seen for view in some} == everything


@pytest.mark.parametrize("size", [(WIDTH, HEIGHT), (768, 576), (360, 640), (500, 500)])
def test_the_views_cover_the_frame_at_each_size(size: tuple[int, int]) -> None:
    width, height = size
    views = Views(width, height)
    seen = set(views.next(400))
    assert set(views.large) <= seen
    for side in {view.size for view in seen}:
        covered = np.zeros((height, width), bool)
        for view in seen:
            if view.size == side:
                low_x, low_y = (max(round(c - side / 2), 0) for c in (view.x, view.y))
                covered[low_y : round(view.y + side / 2), low_x : round(view.x + side / 2)] = True
        assert covered.all()
