"""Arrays: what is sent of a good one, and what is said of a bad one."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from client import InputError
from client.sequences import BLOCK, batches, check_sequences, load_sequences
from tests.client.models import ENSEMBLE, NETWORK

SHAPE = (5, 3, 300, 34, 1)


def random(shape: tuple[int, ...] = SHAPE) -> Any:
    return np.random.default_rng(7).normal(size=shape).astype(np.float32)


def saved(folder: Path, array: Any, **options: Any) -> Path:
    np.save(folder / "a.npy", array, **options)
    return folder / "a.npy"


@pytest.mark.parametrize("size", [1, 2, 5, 9])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("kind", ["<f4", ">f4", "<f8", "<f2", "<i2", "u1"])
def test_any_numbers_arrive_as_float32(tmp_path: Path, kind: str, order: Any, size: int) -> None:
    array = np.asarray(random() * 10, order=order).astype(kind)
    loaded = load_sequences(saved(tmp_path, array))
    check_sequences(loaded, NETWORK, "a.npy")
    cut = list(batches(loaded, size))
    assert [batch.first for batch in cut] == list(range(0, 5, size))
    sent = np.concatenate([batch.data for batch in cut])
    np.testing.assert_array_equal(sent, array.astype(np.float32))
    assert {batch.data.dtype for batch in cut} == {np.dtype("=f4")}
    assert all(batch.data.flags.c_contiguous for batch in cut)


def test_a_cast_is_noted(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        check_sequences(random(), NETWORK, "a.npy")
        assert not caplog.records
        check_sequences(random().astype(np.float64), NETWORK, "a.npy")
    assert caplog.messages == ["a.npy: holds float64, sent as float32"]


def test_a_file_is_mapped_not_read(tmp_path: Path) -> None:
    assert isinstance(load_sequences(saved(tmp_path, random())), np.memmap)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_the_place_of_a_nan_is_told(bad: float) -> None:
    array = np.zeros((BLOCK + 3, 3, 300, 34, 1), np.float16)
    array[BLOCK + 1, 2, 70, 33, 0] = bad
    with pytest.raises(InputError, match=f"at N={BLOCK + 1}, C=2, T=70, V=33, M=0: replace"):
        check_sequences(array, NETWORK, "a.npy")
    raw = np.zeros((2, 9, 34, 4))
    raw[1, 8, 5, 0] = bad
    with pytest.raises(InputError, match=r"a\.npy: not a finite number at N=1, T=8, V=5, 4=0"):
        check_sequences(raw, ENSEMBLE, "a.npy")


def test_numbers_too_large_for_float32_are_told() -> None:
    array = np.zeros(SHAPE)
    array[3, 0, 0, 0, 0] = 1e39
    with pytest.raises(InputError, match="at N=3, C=0"):
        check_sequences(array, NETWORK, "a.npy")


@pytest.mark.parametrize("kind", ["?", "c8", "U3", "M8[s]", [("x", "f4")]])
def test_other_kinds_are_refused(kind: Any) -> None:
    with pytest.raises(InputError, match="not numbers: save it as float32"):
        check_sequences(np.zeros(SHAPE, dtype=kind), NETWORK, "a.npy")


def test_python_objects_are_never_loaded(tmp_path: Path) -> None:
    path = saved(tmp_path, np.array([random()], dtype=object), allow_pickle=True)
    with pytest.raises(InputError, match=r"a\.npy: cannot be read as a \.npy array: .*objects"):
        load_sequences(path)


def test_files_that_are_no_array(tmp_path: Path) -> None:
    whole = saved(tmp_path, random()).read_bytes()
    path = tmp_path / "b.npy"
    for content in (b"", b"[]", b"\x93NUMPY", whole[:60], whole[:1000]):
        path.write_bytes(content)
        with pytest.raises(
            InputError, match=r"b\.npy: cannot be read as a \.npy array: "
        ) as caught:
            load_sequences(path)
        assert "\n" not in str(caught.value)
    np.savez(path.with_suffix(".npz"), random())
    path.with_suffix(".npz").replace(path)
    with pytest.raises(InputError, match=r"is an \.npz archive"):
        load_sequences(path)
    path.unlink()
    with pytest.raises(InputError, match="cannot be read"):
        load_sequences(path)


def test_an_empty_array_is_refused(tmp_path: Path) -> None:
    empty = load_sequences(saved(tmp_path, random()[:0]))
    with pytest.raises(InputError, match="holds no data"):
        check_sequences(empty, NETWORK, "a.npy")
