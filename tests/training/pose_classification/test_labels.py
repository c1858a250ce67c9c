import json
import pickle
from pathlib import Path

import numpy as np
import pytest

from converter import InputError
from training.pose_classification.labels import read_labels, write_labels

NAMES, IDS = ["a.json", "b.json", "ü.json"], [2, 0, 1]
DATA = Path("data.npy")


def _write(path: Path, content: object) -> Path:
    if path.suffix == ".json":
        path.write_text(json.dumps(content))
    else:
        path.write_bytes(pickle.dumps(content, protocol=4))
    return path


@pytest.mark.parametrize("name", ["x.pkl", "x.json"])
def test_written_labels_are_read_again(tmp_path, name):
    write_labels(tmp_path / name, NAMES, np.array(IDS))
    labels = read_labels(tmp_path / name)
    assert labels.names == tuple(NAMES)
    assert labels.ids.tolist() == IDS
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_tao_reads_what_is_written(tmp_path):
    write_labels(tmp_path / "x.pkl", NAMES, IDS)
    names, ids = pickle.loads((tmp_path / "x.pkl").read_bytes())  # noqa: S301 - written just now
    assert (names, ids) == (NAMES, IDS)
    assert all(type(i) is int for i in ids)


@pytest.mark.parametrize(
    "content",
    [
        [NAMES, IDS],
        (NAMES, IDS),
        (tuple(NAMES), np.array(IDS)),
        [NAMES, [np.int32(i) for i in IDS]],
        {"names": NAMES, "labels": IDS},
    ],
)
def test_forms_of_the_pickle(tmp_path, content):
    labels = read_labels(_write(tmp_path / "x.pkl", content))
    assert labels.ids.tolist() == IDS
    assert labels.ids.dtype == np.int64


@pytest.mark.parametrize("content", [[NAMES, IDS], {"names": NAMES, "labels": IDS}])
def test_forms_of_the_json(tmp_path, content):
    assert read_labels(_write(tmp_path / "x.json", content)).ids.tolist() == IDS


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([NAMES], "expected"),
        ({"name": NAMES, "label": IDS}, "expected"),
        (7, "expected .* found int"),
        ([NAMES, 3], "class ids must be a list, not int"),
        (["abc", IDS], "names must be a list, not str"),
        ([["a", 5, "c"], IDS], "name 1 is 5"),
        ([NAMES, [0, 1.5, 2]], "class id 1 is 1.5"),
        ([NAMES, [0, True, 2]], "class id 1 is True"),
        ([NAMES, [0, 1, "2"]], "class id 2 is '2'"),
        ([NAMES, [0, 1, 10**30]], "class id 2"),
        ([NAMES, [0, 1]], "3 names but 2 class ids"),
    ],
)
@pytest.mark.parametrize("name", ["x.pkl", "x.json"])
def test_malformed_labels(tmp_path, name, content, message):
    with pytest.raises(InputError, match=f"{name}: .*{message}"):
        read_labels(_write(tmp_path / name, content))


@pytest.mark.parametrize("place", [0, 1])
def test_a_label_that_holds_itself_many_times_is_refused_in_short(tmp_path, place):
    huge: list[object] = ["lol"]
    for _ in range(64):
        huge = [huge, huge]  # a few bytes in a pickle, no end of them as text
    content = [["a"], [0]]
    content[place] = [huge]
    with pytest.raises(InputError, match=r"is \[\["):
        read_labels(_write(tmp_path / "x.pkl", content))


def test_other_files(tmp_path):
    for text in ("[[", 100_000 * "["):
        (tmp_path / "x.json").write_text(text)
        with pytest.raises(InputError, match="not valid JSON"):
            read_labels(tmp_path / "x.json")
    with pytest.raises(InputError, match=r"x\.csv: labels must be"):
        read_labels(tmp_path / "x.csv")
    with pytest.raises(InputError, match="No such file"):
        read_labels(tmp_path / "none.json")


def test_check_names_the_first_offender(tmp_path):
    labels = read_labels(_write(tmp_path / "x.pkl", [["a", "b", "c"], [0, 6, -1]]))
    with pytest.raises(InputError, match=r"label 1 \('b'\) has class id 6, allowed are 0..5"):
        labels.check(3, 6, DATA)
    with pytest.raises(InputError, match=r"label 2 \('c'\) has class id -1"):
        labels.check(3, 7, DATA)
    with pytest.raises(InputError, match=r"3 labels for the 4 sequences of data\.npy"):
        labels.check(4, 7, DATA)
    read_labels(_write(tmp_path / "y.pkl", [NAMES, IDS])).check(3, 3, DATA)
