from __future__ import annotations

import json
from pathlib import Path

import pytest

from converter import InputError
from converter.sidecar import Sidecar


def write(folder: Path, version: str, text: str) -> None:
    (folder / version).mkdir(parents=True)
    (folder / version / "model.json").write_text(text)


def test_the_newest_version_counts(tmp_path: Path) -> None:
    for version in ("2", "10", "9"):
        write(tmp_path, version, json.dumps({"temperature": int(version), "classes": ["walking"]}))
    (tmp_path / "configs").mkdir()
    (tmp_path / "11").touch()
    assert Sidecar.of_model(tmp_path) == Sidecar(temperature=10)


def test_without_one_the_network_is_taken_for_nvidias(tmp_path: Path) -> None:
    assert Sidecar.of_model(tmp_path) == Sidecar(None, "joint", "tao", 1.0, None)
    (tmp_path / "1").mkdir()
    assert Sidecar.of_model(tmp_path) == Sidecar()


def test_the_logit_of_unknown_may_be_left_open(tmp_path: Path) -> None:
    write(tmp_path, "1", '{"unknown_logit": null}')
    assert Sidecar.of_model(tmp_path).unknown_logit is None
    write(tmp_path, "2", '{"unknown_logit": -1.5}')
    assert Sidecar.of_model(tmp_path).unknown_logit == -1.5


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", r"1/model\.json is not JSON"),
        ("[]", r"1/model\.json must be a JSON object"),
        ('{"padding": "left"}', r"1/model\.json: padding is 'left', must be one of mask, tao"),
        ('{"temperature": 0}', r"1/model\.json: temperature is 0, must be a number above 0"),
        ('{"temperature": "2"}', r"temperature is '2'"),
        ('{"temperature": NaN}', r"temperature is nan"),
        ('{"unknown_logit": "3"}', "unknown_logit is '3', must be a number"),
        ('{"unknown_logit": Infinity}', "unknown_logit is inf, must be a number"),
        ('{"pose_type": "4dbp"}', r"pose_type is '4dbp', must be one of 3dbp, 25dbp, 2dbp"),
    ],
)
def test_a_bad_one_is_named(tmp_path: Path, text: str, message: str) -> None:
    write(tmp_path, "1", text)
    with pytest.raises(InputError, match=message):
        Sidecar.of_model(tmp_path)
