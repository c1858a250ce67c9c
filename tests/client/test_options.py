"""The command line: every flag has an effect, NVIDIA's commands are understood."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path
from typing import Any

import pytest

from client import InputError, Tls
from client.options import OTHER_FLAGS, OTHER_MODES, Options, parse, parser
from tests.client.certificates import write_certificate


def test_defaults() -> None:
    options = parse(["a.npy"])
    assert options.inputs == ("a.npy",)
    assert options.output_path == Path("outputs")
    assert options.settings.model == "pose_classification_tao"
    assert options.settings.url == "localhost:8000"
    assert (options.settings.batch_size, options.settings.in_flight) == (1, 1)
    assert options.label_policy == "dense"


@pytest.mark.parametrize(
    ("flags", "attribute", "value"),
    [
        (["-v"], "verbose", True),
        (["-a"], "settings.in_flight", None),
        (["--async"], "settings.in_flight", None),
        (["--streaming", "-i", "grpc"], "settings.streaming", True),
        (["--streaming", "-i", "grpc"], "settings.in_flight", None),
        (["--in-flight", "5"], "settings.in_flight", 5),
        (["-a", "--in-flight", "5"], "settings.in_flight", 5),
        (["-m", "net"], "settings.model", "net"),
        (["--unknown"], "settings.unknown", True),
        (["--model-name", "net"], "settings.model", "net"),
        (["-x", "3"], "settings.version", "3"),
        (["--model-version", "3"], "settings.version", "3"),
        (["-b", "4"], "settings.batch_size", 4),
        (["--batch-size", "4"], "settings.batch_size", 4),
        (["-u", "host:1"], "settings.url", "host:1"),
        (["--url", "host:1"], "settings.url", "host:1"),
        (["-i", "gRPC"], "settings.protocol", "grpc"),
        (["--protocol", "grpc"], "settings.url", "localhost:8001"),
        (["--class_list", "sit,stand"], "settings.class_list", ("sit", "stand")),
        (["--timeout", "1.5"], "settings.timeout", 1.5),
        (["--deadline", "9"], "settings.deadline", 9.0),
        (["--mode", "Pose_classification"], "inputs", ("a.npy",)),
        (["--output_path", "x"], "output_path", Path("x")),
        (["--dataset_convert_config", "c.yaml"], "convert_config", Path("c.yaml")),
        (["--dataset_convert_config", ""], "convert_config", None),
        (["--max-gap", "3"], "max_gap", 3),
        (["--frame-rate", "12.5"], "frame_rate", 12.5),
        (["--label-policy", "tao"], "label_policy", "tao"),
        (["--scores"], "scores", True),
        (["--compact"], "style", "compact"),
        (["--nvidia-layout"], "style", "nvidia"),
        (["--live"], "live", True),
        (["--overlay", "o.mp4"], "pictures.overlay", Path("o.mp4")),
        (["--overlay", "o.mp4", "--video", "v.mp4"], "pictures.video", Path("v.mp4")),
        (["--report", "r.html"], "pictures.report", Path("r.html")),
        (["--report", "r.html"], "scores", True),
    ],
)
def test_every_flag_has_an_effect(flags: list[str], attribute: str, value: Any) -> None:
    found: Any = parse(["a.npy", *flags])
    for name in attribute.split("."):
        found = getattr(found, name)
    assert found == value


def test_tls_flags(tmp_path: Path) -> None:
    certificate, key = write_certificate(tmp_path, "own")
    flags = ["--ssl-ca", str(certificate), "--ssl-cert", str(certificate), "--ssl-key", str(key)]
    assert parse(["a.npy", "--ssl", *flags]).settings.tls == Tls(certificate, certificate, key)
    for pair in (flags[:2], flags[2:4], flags[4:]):
        with pytest.raises(InputError, match="need --ssl"):
            parse(["a.npy", *pair])


def documented(command: str, **values: str) -> Options:
    words = command.split()
    return parse([values.get(word.strip("<>"), word) for word in words])


def test_the_documented_array_command(caplog: pytest.LogCaptureFixture) -> None:
    options = documented(
        "<path_to_test_data> -m pose_classification_tao model -x 1 -b 1 --mode Pose_classification "
        "-i https -u localhost:8000 --async --output_path <path_to_output_directory>",
        path_to_test_data="test_data.npy",
        path_to_output_directory="out",
    )
    assert options.inputs == ("test_data.npy",)
    assert options.settings.version == "1"
    assert options.settings.url == "localhost:8000"
    assert "stray word 'model'" in caplog.text
    assert "plain HTTP" in caplog.text


def test_a_file_called_model_is_no_stray_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert parse(["a.npy", "-m", "x", "model"]).inputs == ("a.npy",)
    (tmp_path / "model").mkdir()
    assert parse(["a.npy", "-m", "x", "model"]).inputs == ("a.npy", "model")
    (tmp_path / "model").rmdir()
    assert parse(["model"]).inputs == ("model",)  # said to be missing where it is looked for


def test_inputs_may_stand_anywhere() -> None:
    assert parse(["a.npy", "-b", "2", "b.json", "-a", "c"]).inputs == ("a.npy", "b.json", "c")


@pytest.mark.parametrize("mode", OTHER_MODES)
def test_other_modes_are_not_served(mode: str) -> None:
    with pytest.raises(InputError, match=f"^--mode {mode} is not served here"):
        parse(["a.npy", "--mode", mode])


@pytest.mark.parametrize("flag", OTHER_FLAGS)
def test_flags_of_other_modes_are_ignored_aloud(
    flag: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert parse(["a.npy", flag, "x", flag, "y"]).inputs == ("a.npy",)
    assert f"{flag} is for other modes" in caplog.text


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--mode", "Posing"], "invalid choice: 'Posing'"),
        (["-b", "many"], "invalid int value: 'many'"),
        (["--outputpath", "x"], "unrecognized arguments: --outputpath"),
        (["--output", "x"], "unrecognized arguments: --output"),  # no abbreviations
        (["--timeout"], "expected one argument"),
        (["--compact", "--nvidia-layout"], "not allowed with argument --compact"),
        ([""], "argument INPUT: is empty"),  # of an unset variable
        (["--output_path", ""], "argument --output_path: is empty"),
    ],
)
def test_a_wrong_command_line_is_one_line(words: list[str], message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)) as caught:
        parse(["a.npy", *words])
    assert "\n" not in str(caught.value)


def test_help_names_every_flag(capsys: pytest.CaptureFixture[str]) -> None:
    with contextlib.suppress(SystemExit):
        parse(["--help"])
    text = capsys.readouterr().out
    flags = [flag for action in parser()._actions for flag in action.option_strings]
    assert [flag for flag in flags if flag not in text] == list(OTHER_FLAGS)
