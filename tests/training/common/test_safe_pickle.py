import io
import os
import pickle
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from converter import InputError
from training.common.safe_pickle import load_pickle

PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner, inner),
    max_leaves=20,
)


@given(PLAIN, st.sampled_from([3, 4, 5]))
def test_plain_content_survives(tmp_path_factory, content, protocol):
    path = tmp_path_factory.mktemp("pickle") / "plain.pkl"
    path.write_bytes(pickle.dumps(content, protocol=protocol))
    assert load_pickle(path) == content


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize(
    "array",
    [
        np.arange(12.0).reshape(3, 4),
        np.arange(3, dtype=np.int16),
        np.array(["a", "bc"]),
        np.array([["a", None, 2.5]], dtype=object),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.arange(3, dtype=">i4"),
        np.array([True, False]),
        np.array(2.5),
        np.float16(2),
        np.str_("ab"),
    ],
)
def test_arrays_survive(tmp_path, array, protocol):
    path = tmp_path / "array.pkl"
    path.write_bytes(pickle.dumps({"x": array, "y": [np.int64(3)]}, protocol=protocol))
    content = load_pickle(path)
    np.testing.assert_array_equal(content["x"], array)
    assert content["x"].dtype.newbyteorder("=") == array.dtype.newbyteorder("=")
    assert content["y"] == [3]


def test_numpy_2_module_names_are_known(tmp_path):
    text = pickle.dumps(np.arange(3), protocol=2).replace(b"numpy.core.", b"numpy._core.")
    path = tmp_path / "two.pkl"
    path.write_bytes(text)
    np.testing.assert_array_equal(load_pickle(path), [0, 1, 2])


class _Reduced:
    """Pickles as a call of NumPy's, and a state."""

    def __init__(self, *reduction: Any):
        self.reduction = reduction

    def __reduce__(self):
        return self.reduction


def _array(state: Any) -> _Reduced:
    reconstruct, arguments, _ = np.empty(0).__reduce__()
    return _Reduced(reconstruct, arguments, state)


_OBJECTS = {"a": (np.dtype("O"), 0)}
_FORGED = _Reduced(np.dtype, ("V8", False, True), (4, "|", None, ("a",), _OBJECTS, 8, 1, 1))
_TYPE = _Reduced(np.dtype, ("f8", False, True), (3, "<", None, None, None, 1, 1, 1))


@pytest.mark.parametrize(
    "thing",
    [
        _array((1, (1,), _FORGED, False, b"A" * 8)),  # NumPy takes the text for an address
        _Reduced(np.float64(0).__reduce__()[0], (_FORGED, b"A" * 8)),
        _array((1, (-1, -8), np.dtype("i1"), False, b"A" * 8)),
        _array((1, (10**6,), np.dtype("f8"), False, b"A" * 8)),
        _array((1, (1,), None, False, b"A" * 8)),
        _array((1, (1,), np.dtype("f8"), False, [1.0])),
        _Reduced(np.ndarray, ((10**6,),)),  # whatever the memory holds
        _array((1, (1,), np.dtype("O"), False, b"A" * 8)),
        _array((1, (2,), np.dtype("O"), False, ["a"])),
    ],
)
def test_forged_arrays_are_refused(tmp_path, thing):
    path = tmp_path / "x.pkl"
    path.write_bytes(pickle.dumps([thing], protocol=4))
    with pytest.raises(InputError):
        load_pickle(path)


def test_a_forged_size_of_numbers_is_ignored(tmp_path):
    path = tmp_path / "x.pkl"
    path.write_bytes(pickle.dumps(_array((1, (1,), _TYPE, False, b"\0" * 8)), protocol=4))
    np.testing.assert_array_equal(load_pickle(path), [0.0])


class _Bomb:
    def __init__(self, flag: Path):
        self.flag = flag

    def __reduce__(self):
        return os.mkdir, (str(self.flag),)


@pytest.mark.parametrize("protocol", [0, 2, 4, 5])
def test_code_is_named_and_not_run(tmp_path, protocol):
    flag = tmp_path / "executed"
    path = tmp_path / "labels.pkl"
    path.write_bytes(pickle.dumps([["a"], [_Bomb(flag)]], protocol=protocol))
    with pytest.raises(InputError, match=r"labels\.pkl.*posix\.mkdir"):
        load_pickle(path)
    assert not flag.exists()


@pytest.mark.parametrize("thing", [OrderedDict(a=1), Path("x"), slice(3), {1}.pop])
def test_other_classes_are_refused(tmp_path, thing):
    path = tmp_path / "x.pkl"
    path.write_bytes(pickle.dumps(thing))
    with pytest.raises(InputError, match="refuses"):
        load_pickle(path)


def test_odd_codecs_are_refused(tmp_path):
    path = tmp_path / "x.pkl"
    path.write_bytes(b"c_codecs\nencode\n(Vabc\nVzlib\ntR.")
    with pytest.raises(InputError, match="zlib"):
        load_pickle(path)


@given(st.binary(max_size=200))
def test_rubbish_is_one_line(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("rubbish") / "x.pkl"
    path.write_bytes(content)
    try:
        load_pickle(path)
    except InputError as error:
        assert "\n" not in str(error)


def test_cut_short(tmp_path):
    path = tmp_path / "x.pkl"
    path.write_bytes(pickle.dumps([["a"] * 50, list(range(50))])[:-20])
    with pytest.raises(InputError, match="pickle"):
        load_pickle(path)


def test_missing_file(tmp_path):
    with pytest.raises(InputError, match="No such file"):
        load_pickle(tmp_path / "none.pkl")


def test_persistent_ids_are_refused(tmp_path):
    class Pickler(pickle.Pickler):
        def persistent_id(self, obj):
            return "elsewhere" if obj == "x" else None

    stream = io.BytesIO()
    Pickler(stream).dump(["x"])
    path = tmp_path / "x.pkl"
    path.write_bytes(stream.getvalue())
    with pytest.raises(InputError, match="persistent"):
        load_pickle(path)
