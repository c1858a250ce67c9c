"""What is missing for the embedded Triton is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from converter import InputError
from scripts import triton_wheel


def test_a_missing_wheel_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"not installed: run scripts/setup_env.sh serve"):
        triton_wheel.TritonWheel()
    monkeypatch.setattr("os.confstr", lambda name: "glibc 2.31")
    with pytest.raises(InputError, match=r"needs glibc 2.35 or newer, this system has glibc 2.31"):
        triton_wheel.TritonWheel()


def test_a_missing_libpython_is_explained(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("sysconfig.get_config_var", lambda name: str(tmp_path))
    monkeypatch.setattr("sys.base_prefix", str(tmp_path))
    with pytest.raises(
        InputError, match=r"needs libpython3\.\d+\.so\.1\.0, which this Python lacks"
    ):
        triton_wheel.TritonWheel()


def test_a_python_without_a_backend_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(triton_wheel, "PYTHON", "3.7")
    monkeypatch.setattr(triton_wheel, "_libpython", lambda: Path("lib/libpython3.7.so.1.0"))
    with pytest.raises(InputError, match=r"no backend for Python 3\.7: use 3\.10-3\.12"):
        triton_wheel.TritonWheel()
