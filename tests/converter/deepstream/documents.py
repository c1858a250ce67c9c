"""Small documents in the form of DeepStream's bodypose-3d, and the job run on them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

from converter import ConvertConfig, LabelPolicy
from converter.deepstream import AnnotationJob, Segment, Summary, records, tracker

JOINTS = 2


def small_config(**changes: Any) -> ConvertConfig:
    """Short segments of two joints."""
    values = {
        "num_joints": JOINTS,
        "sequence_length_max": 8,
        "sequence_length": 4,
        "sequence_length_min": 2,
        "max_gap": 3,
        "reorder_frames": 2,
    }
    return ConvertConfig(**(values | changes))


def person(object_id: Any, seed: float = 0.0, **extra: Any) -> dict[str, Any]:
    pose = [seed + place / 4 for place in range(JOINTS * 4)]
    return {"object_id": object_id, "pose25d": pose, "pose3d": [2 * p for p in pose], **extra}


def frame(number: int, people: Sequence[Any], **extra: Any) -> dict[str, Any]:
    return {
        "batch_id": 0,
        "frame_num": number,
        "ntp_timestamp": 1651865934597373000 + number,
        "num_obj_meta": len(people),
        "objects": list(people),
        **extra,
    }


def record(*frames: Any) -> dict[str, Any]:
    return {"num_frames_in_batch": len(frames), "batches": list(frames)}


def walk(numbers: Sequence[int], object_id: Any = 7, **extra: Any) -> list[Any]:
    """One person, a record for each frame number."""
    return [record(frame(number, [person(object_id, number)], **extra)) for number in numbers]


@dataclass
class Annotated:
    segments: list[Segment]
    text: str
    summary: Summary

    @property
    def data(self) -> Any:
        return json.loads(self.text)

    @property
    def actions(self) -> list[str]:
        """Of all objects in the order of the file."""
        return [p["action"] for r in self.data for f in r["batches"] for p in f["objects"]]


def annotate(
    path: Path,
    config: ConvertConfig | None = None,
    policy: LabelPolicy = "dense",
    name: Callable[[Segment], str] = lambda segment: str(segment.index),
    **options: Any,
) -> Annotated:
    """Run a job on `path`; each segment is a class of its own, called `name(segment)`."""
    target = path.with_name(path.name + ".out.json")
    with AnnotationJob(path, config or small_config(), policy) as job:
        segments = list(job.segments())
        for segment in segments:
            job.assign(segment.index, segment.index, 1 / (segment.index + 1))
        summary = job.write(target, [name(segment) for segment in segments], **options)
    return Annotated(segments, target.read_text(encoding="utf-8"), summary)


def save(path: Path, document: Any, **layout: Any) -> Path:
    path.write_text(json.dumps(document, **layout), encoding="utf-8")
    return path


def small_chunks(size: int) -> mock._patch[int]:
    """Read files in chunks of about `size` bytes."""
    return mock.patch.object(records, "CHUNK_SIZE", size)


def small_batches(size: int) -> mock._patch[int]:
    """Sort poses into tracks as soon as there are `size` of them."""
    return mock.patch.object(tracker, "_BATCH", size)
