"""Write motions in the form of DeepStream's bodypose-3d app (``--save-pose``)."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from converter import ConvertConfig
from training.recipes.six_class.motion import Motion
from training.recipes.six_class.skeleton import PELVIS

PRODUCER = "HDM05 motion capture (CC BY-SA 3.0), not DeepStream"
MM_PER_UNIT = 493.0
"""What one unit of pose25d's relative depth is worth on an average body."""
FIRST_NTP, FRAME_NS = 1_651_865_934_597_373_000, 33_333_333


def projected(motion: Motion, config: ConvertConfig) -> NDArray[np.float32]:
    """Return ``pose25d`` (T, 34, 4) of a motion: x, y in pixels, relative depth, confidence."""
    position = motion[..., :3].astype(np.float64)
    centre = np.array([config.frame_width, config.frame_height]) / 2
    pixels = config.focal_length * position[..., :2] / position[..., 2:] + centre
    depth = (position[..., 2:] - position[:, PELVIS : PELVIS + 1, 2:]) / MM_PER_UNIT
    joints = np.concatenate([pixels, depth, motion[..., 3:]], axis=-1)
    return np.asarray(joints, dtype=np.float32)


def bounding_box(pose25d: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return [left, top, width, height] (4,) of a pose (34, 4), a tenth larger than the joints."""
    low, high = pose25d[:, :2].min(axis=0), pose25d[:, :2].max(axis=0)
    margin = (high - low) / 20
    box: NDArray[np.float32] = np.concatenate([low - margin, high - low + 2 * margin])
    return box


class Track(NamedTuple):
    """Somebody in front of the camera: number, first frame, motion (T, 34, 4)."""

    object_id: int
    first_frame: int
    motion: Motion


def records(tracks: Sequence[Track], config: ConvertConfig) -> Iterator[str]:
    """Yield the records of the document, one for each frame in which somebody is seen.

    Args:
        tracks: who is seen.
        config: focal length and frame size of the camera.
    """
    flat = [projected(track.motion, config) for track in tracks]
    for frame in range(max(track.first_frame + len(track.motion) for track in tracks)):
        objects = [
            _object(track.object_id, track.motion[time], pose25d[time])
            for track, pose25d in zip(tracks, flat, strict=True)
            if 0 <= (time := frame - track.first_frame) < len(track.motion)
        ]
        if objects:
            yield (
                f'{{"producer": "{PRODUCER}", "num_frames_in_batch": 1, "batches": [{{'
                f'"batch_id": 0, "frame_num": {frame}, '
                f'"ntp_timestamp": {FIRST_NTP + frame * FRAME_NS}, '
                f'"num_obj_meta": {len(objects)}, "objects": [{", ".join(objects)}]}}]}}'
            )


def _object(object_id: int, pose3d: Motion, pose25d: NDArray[np.float32]) -> str:
    return (
        f'{{"object_id": {object_id}, "pose25d": [{_numbers(pose25d)}], '
        f'"pose3d": [{_numbers(pose3d)}], "bbox": [{_numbers(bounding_box(pose25d))}]}}'
    )


def _numbers(values: NDArray[np.float32]) -> str:
    return ", ".join("%f" % value for value in values.ravel())  # noqa: UP031 - as DeepStream
