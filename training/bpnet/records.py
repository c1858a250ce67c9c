"""Training records: TFRecord files of `tf.train.Example`, without TensorFlow.

The framing (length and checksums) is TensorBoard's, the message is defined here from its public
wire format, so shards that TAO wrote can be read and TensorFlow can read ours. A record holds
paths and keypoints, not pixels: a few kilobytes that can be shuffled, sharded and streamed.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from google.protobuf import descriptor_pb2, descriptor_pool, message, message_factory
from tensorboard.compat.tensorflow_stub import (  # type: ignore[import-untyped]  # no stubs
    pywrap_tensorflow,
)
from tensorboard.summary.writer.record_writer import (  # type: ignore[import-untyped]  # no stubs
    RecordWriter,
)

from converter import InputError
from training.bpnet.arrays import Array

__all__ = ["Record", "RecordIndex", "RecordWriter", "decode", "encode", "read_records"]


@dataclass(frozen=True)
class Record:
    """One image around one person.

    Attributes:
        image_id: the data set's id.
        height: of the image, pixels.
        width: of the image, pixels.
        image_path: relative to the data root.
        mask_path: relative to the data root.
        dataset: name of the data set.
        joints: (P, V_src, 3) x, y, data-set flag; the person in the centre comes first.
        scales: (P,) heights of the boxes, pixels.
        centers: (P, 2) centres of the boxes, pixels.
        person_idx: place of the first person among the image's annotations.
    """

    image_id: int
    height: int
    width: int
    image_path: str
    mask_path: str
    dataset: str
    joints: Array
    scales: Array
    centers: Array
    person_idx: int = 0


def encode(record: Record) -> bytes:
    """A record as a serialised `tf.train.Example` with the reference's feature names."""
    example = _Example()
    feature = example.features.feature
    for key, number in (
        ("frame/image_id", record.image_id),
        ("frame/height", record.height),
        ("frame/width", record.width),
        ("person/person_idx", record.person_idx),
        ("person/num_other_people", len(record.joints) - 1),
    ):
        feature[key].int64_list.value.append(number)
    for key, data in (
        ("frame/image_path", record.image_path.encode()),
        ("frame/mask_path", record.mask_path.encode()),
        ("dataset", record.dataset.encode()),
        ("person/joints", record.joints.astype("<f8").tobytes()),
        ("person/scales", record.scales.astype("<f8").tobytes()),
        ("person/centers", record.centers.astype("<f8").tobytes()),
    ):
        feature[key].bytes_list.value.append(data)
    return bytes(example.SerializeToString(deterministic=True))


def decode(data: bytes) -> Record:
    """The inverse of `encode`.

    Raises:
        ValueError: it is not such a record.
    """
    example = _Example()
    try:
        example.ParseFromString(data)
    except message.DecodeError as error:
        raise ValueError(f"not a tf.train.Example: {error}") from None
    feature = example.features.feature

    def number(key: str) -> int:
        return int(_single(feature, key, "int64_list"))

    def floats(key: str, *shape: int) -> Array:
        return np.frombuffer(_single(feature, key, "bytes_list"), "<f8").reshape(shape)

    def text(key: str) -> str:
        return str(_single(feature, key, "bytes_list").decode())

    people = number("person/num_other_people") + 1
    return Record(
        number("frame/image_id"),
        number("frame/height"),
        number("frame/width"),
        text("frame/image_path"),
        text("frame/mask_path"),
        text("dataset"),
        floats("person/joints", people, -1, 3),
        floats("person/scales", people),
        floats("person/centers", people, 2),
        number("person/person_idx"),
    )


def read_records(path: Path) -> Iterator[Record]:
    """Stream the records of one file.

    Raises:
        InputError: the file is missing, cut off or damaged; names the record.
    """
    index = RecordIndex([path])
    return (index[i] for i in range(len(index)))


class RecordIndex:
    """Random access to the records of several files: only their places are kept in memory.

    Args:
        paths: the files.

    Raises:
        InputError: a file is missing or cut off; reading a record that is damaged.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        self.paths = list(paths)
        self._offsets = [_offsets(path) for path in self.paths]
        self._first = np.cumsum([0, *(len(offsets) for offsets in self._offsets)])

    def __len__(self) -> int:
        return int(self._first[-1])

    def __getitem__(self, index: int) -> Record:
        if not 0 <= index < len(self):
            raise IndexError(index)
        file = int(np.searchsorted(self._first, index, side="right")) - 1
        path, number = self.paths[file], index - int(self._first[file])
        with path.open("rb") as stream:
            stream.seek(self._offsets[file][number])
            try:
                (length,) = struct.unpack("<Q", stream.read(8))
                stream.seek(4, os.SEEK_CUR)
                data = stream.read(length)
                (checksum,) = struct.unpack("<I", stream.read(4))
                if checksum != pywrap_tensorflow.masked_crc32c(data):
                    raise ValueError("its checksum is wrong")
                return decode(data)
            except (ValueError, struct.error) as error:
                raise InputError(f"{path}: record {number} is damaged: {error}") from None


def _offsets(path: Path) -> list[int]:
    """Where each record of a TFRecord file begins: u64 length, u32 crc, data, u32 crc."""
    offsets = []
    try:
        size = path.stat().st_size
        with path.open("rb") as stream:
            position = 0
            while position < size:
                offsets.append(position)
                stream.seek(position)
                header = stream.read(12)
                if len(header) == 12:
                    length, checksum = struct.unpack("<QI", header)
                    if checksum == pywrap_tensorflow.masked_crc32c(header[:8]):
                        position += 16 + length
                        continue
                raise InputError(f"{path}: record {len(offsets) - 1} is damaged: no valid header")
        if position > size:
            raise InputError(f"{path}: record {len(offsets) - 1} is damaged: the file is cut off")
    except OSError as error:
        raise InputError(
            f"{path}: cannot read records ({error.strerror}); make them with "
            "`bpnet dataset_convert`"
        ) from None
    return offsets


def _single(feature: Any, key: str, kind: str) -> Any:
    values: Any = getattr(feature[key], kind).value if key in feature else ()
    if len(values) != 1:
        raise ValueError(f"feature '{key}' is missing")
    return values[0]


def _example_class() -> Any:
    """`tf.train.Example`: a map from names to lists of bytes, floats or integers."""
    kind = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="example.proto", package="e", syntax="proto3")
    feature = descriptor_pb2.DescriptorProto(name="Feature")
    feature.oneof_decl.add(name="kind")
    scalars = {"bytes": kind.TYPE_BYTES, "float": kind.TYPE_FLOAT, "int64": kind.TYPE_INT64}
    for number, (name, scalar) in enumerate(scalars.items(), start=1):
        values = file.message_type.add(name=name)
        values.field.add(name="value", number=1, type=scalar, label=kind.LABEL_REPEATED)
        _add(feature, f"{name}_list", number, f".e.{name}").oneof_index = 0
    file.message_type.append(feature)
    features = file.message_type.add(name="Features")
    entry = features.nested_type.add(name="FeatureEntry")
    entry.options.map_entry = True
    entry.field.add(name="key", number=1, type=kind.TYPE_STRING, label=kind.LABEL_OPTIONAL)
    _add(entry, "value", 2, ".e.Feature")
    _add(features, "feature", 1, ".e.Features.FeatureEntry").label = kind.LABEL_REPEATED
    _add(file.message_type.add(name="Example"), "features", 1, ".e.Features")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("e.Example"))


def _add(owner: Any, name: str, number: int, kind: str) -> Any:
    """Add a field that holds a message."""
    field = descriptor_pb2.FieldDescriptorProto
    return owner.field.add(
        name=name,
        number=number,
        type=field.TYPE_MESSAGE,
        type_name=kind,
        label=field.LABEL_OPTIONAL,
    )


_Example = _example_class()
