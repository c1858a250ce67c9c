import struct

import numpy as np
import pytest
from tensorboard.compat.tensorflow_stub import pywrap_tensorflow

from converter import InputError
from training.bpnet.records import Record, RecordIndex, RecordWriter, decode, encode, read_records


def record(people=2, image_id=7):
    rng = np.random.default_rng(image_id)
    return Record(
        image_id,
        480,
        640,
        "train2017/ä.jpg",
        "mask/ä.png",
        "coco",
        rng.random((people, 17, 3)),
        rng.random(people),
        rng.random((people, 2)),
        1,
    )


def write(path, records):
    with path.open("wb") as stream:
        writer = RecordWriter(stream)
        for item in records:
            writer.write(encode(item))
    return path


def same(one, other):
    for name in ("joints", "scales", "centers"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    keys = ("image_id", "height", "width", "image_path", "mask_path", "dataset", "person_idx")
    assert [getattr(one, key) for key in keys] == [getattr(other, key) for key in keys]


def test_there_and_back(tmp_path):
    records = [record(1, 3), record(4, 5)]
    for one, other in zip(read_records(write(tmp_path / "a", records)), records, strict=True):
        same(one, other)


def test_bytes_are_a_tensorflow_example():
    """Decoded by hand from the wire format: field 1 of Example, then map entries of Features."""
    data = encode(record())

    def fields(data):
        position = 0

        def varint():
            nonlocal position
            value = shift = 0
            while True:
                byte = data[position]
                position += 1
                value |= (byte & 127) << shift
                shift += 7
                if byte < 128:
                    return value

        while position < len(data):
            tag = varint()
            assert tag & 7 == 2  # length-delimited, as everything here
            length = varint()
            yield tag >> 3, data[position : position + length]
            position += length

    ((number, features),) = fields(data)
    assert number == 1
    entries = {}
    for number, entry in fields(features):
        assert number == 1
        (_, key), (_, feature) = fields(entry)
        ((kind, values),) = fields(feature)
        entries[key.decode()] = kind, next(fields(values))[1]
    assert entries["dataset"] == (1, b"coco")  # kind 1: BytesList
    assert entries["frame/image_id"] == (3, b"\x07")  # kind 3: Int64List, packed
    assert entries["person/num_other_people"] == (3, b"\x01")
    assert struct.unpack("<2d", entries["person/scales"][1]) == tuple(record().scales)


def test_cut_off_file(tmp_path):
    path = write(tmp_path / "a", [record(), record()])
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(InputError, match=r"record 1 is damaged: the file is cut off"):
        read_records(path)
    path.write_bytes(path.read_bytes()[:5])
    with pytest.raises(InputError, match=r"record 0 is damaged: no valid header"):
        read_records(path)


def test_flipped_bit(tmp_path):
    path = write(tmp_path / "a", [record()])
    data = bytearray(path.read_bytes())
    data[100] ^= 1
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"record 0 is damaged: its checksum is wrong"):
        list(read_records(path))


def test_missing_feature_and_missing_file(tmp_path):
    with pytest.raises(ValueError, match="feature 'person/num_other_people' is missing"):
        decode(b"")
    with pytest.raises(ValueError, match=r"not a tf.train.Example"):
        decode(b"\xff\xff")
    with pytest.raises(InputError, match="cannot read records"):
        list(read_records(tmp_path / "none"))


def test_random_access_over_files(tmp_path):
    paths = [write(tmp_path / "a", [record(1, 1), record(1, 2)]), write(tmp_path / "b", [record()])]
    index = RecordIndex(paths)
    assert len(index) == 3
    assert [index[i].image_id for i in (2, 0, 1)] == [7, 1, 2]
    with pytest.raises(IndexError):
        index[3]


def test_tensorboard_reads_what_was_written(tmp_path):
    """An independent reader of the framing: lengths and both checksums."""
    path = write(tmp_path / "a", [record(1, 1), record(1, 2)])
    reader = pywrap_tensorflow.PyRecordReader_New(str(path))
    for expected in (1, 2):
        reader.GetNext()
        assert decode(reader.record()).image_id == expected
