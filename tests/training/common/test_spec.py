from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal

import pytest
from pydantic import Field, model_validator

from converter import InputError
from training.common.spec import OptionalText, SpecModel, load_spec, make_spec, require


class Optim(SpecModel):
    ignored: ClassVar[frozenset[str]] = frozenset({"optimizer_type"})
    lr: float = Field(default=0.1, gt=0)
    lr_steps: list[int] = Field(default=[10, 60])


class Train(SpecModel):
    num_epochs: int = Field(default=10, gt=0)
    interval: int = Field(default=1, gt=0)
    optim: Optim = Field(default=Optim())

    @model_validator(mode="after")
    def _fits(self) -> Train:
        if self.interval > self.num_epochs:
            raise ValueError("interval: should be at most num_epochs")
        return self


class Model(SpecModel):
    kind: Literal["small", "large"] = "small"
    dropout: float = Field(default=0.5, ge=0, le=1)
    weights: OptionalText = None


class Experiment(SpecModel):
    train: Train = Field(default=Train())
    model: Model = Field(default=Model())
    labels: dict[str, int] = Field(default={})
    key: OptionalText = None


class Named(SpecModel):
    name: str = ""


def refuse(*overrides: str, tree: dict[str, object] | None = None) -> str:
    with pytest.raises(InputError) as caught:
        make_spec(Experiment, tree or {}, overrides, source="spec.yaml")
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_file_and_overrides(tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    text = "\ufefftrain:\n  optim:\n    lr: 1e-3\nmodel:\nlabels: {walking: 0}\n"
    path.write_text(text, encoding="utf-8")  # with the mark that Windows puts first
    overrides = ["train.num_epochs=7", "train.optim.lr_steps=[0, 1]", "labels.sitting=1"]
    spec = load_spec(path, Experiment, overrides)
    assert (spec.train.num_epochs, spec.train.optim.lr) == (7, 1e-3)
    assert spec.train.optim.lr_steps == [0, 1]
    assert spec.labels == {"walking": 0, "sitting": 1}
    assert spec.model == Model()


@pytest.mark.parametrize("mark", ["+", "++"])
def test_overrides_with_hydra_s_marks(mark: str) -> None:
    overrides = [f"{mark}train.num_epochs=7", f"{mark}labels.a=1"]
    spec = make_spec(Experiment, {"train": {"num_epochs": 3}}, overrides)
    assert (spec.train.num_epochs, spec.labels) == (7, {"a": 1})
    assert refuse(f"{mark}train.epochs=7").startswith("command line: train.epochs: unknown key")


def test_ignored_keys_are_left_out_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    tree = {"train": {"optim": {"lr": 0.5, "optimizer_type": {"a": 1}}}}
    spec = make_spec(Experiment, tree, ["train.optim.optimizer_type.a=2"], source="spec.yaml")
    assert spec.train.optim.lr == 0.5
    (warning,) = caplog.messages
    assert warning.startswith("spec.yaml: train.optim.optimizer_type: of TAO")
    assert "optimizer_type" in tree["train"]["optim"]
    assert refuse("train.optimizer_type=SGD").startswith("command line: train.optimizer_type: unk")
    make_spec(Experiment, {"train": {"optim": {"lr": 0.5}}})
    assert len(caplog.messages) == 1


def test_overrides_do_not_change_the_given_tree() -> None:
    tree = {"train": {"num_epochs": 3}, "labels": {"a": 0}}
    make_spec(Experiment, tree, ["train.num_epochs=4", "labels.b=1"])
    assert tree == {"train": {"num_epochs": 3}, "labels": {"a": 0}}


@pytest.mark.parametrize("text", ["1e-4", "1E-4", "1.e-4", ".00000001e4", "0.0001", "+1e-4"])
def test_numbers_as_in_yaml_1_2(text: str) -> None:
    assert make_spec(Experiment, {}, [f"train.optim.lr={text}"]).train.optim.lr == 1e-4


def test_an_override_fills_a_section_that_is_empty() -> None:
    assert make_spec(Experiment, {"train": None}, ["train.num_epochs=7"]).train.num_epochs == 7


@pytest.mark.parametrize("text", ["0123", "1e5", "true", "a: b", "[x", "#1", "yes"])
def test_text_options_are_taken_as_typed(text: str) -> None:
    assert make_spec(Experiment, {}, [f"key={text}"]).key == text


@pytest.mark.parametrize("text", ["", "null", "''", '""', "???"])
def test_text_options_can_be_unset(text: str) -> None:
    assert make_spec(Experiment, {"key": "old"}, [f"key={text}"]).key is None


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("model.dropot=1", "command line: model.dropot: unknown key; did you mean 'model.dropout'"),
        ("model.num_epochs=1", "did you mean 'train.num_epochs'"),
        ("zebra=1", "zebra: unknown key; allowed here: train, model, labels, key"),
        ("train.optim.lr=0", "train.optim.lr: 0 is not allowed: should be greater than 0"),
        ("model.dropout=1.5", "model.dropout: 1.5 is not allowed: should be less than or equal to"),
        ("train.num_epochs=true", "train.num_epochs: True is not allowed: should be a valid int"),
        ("train.num_epochs='3'", "train.num_epochs: '3' is not allowed"),
        ("train.num_epochs=3.5", "train.num_epochs: 3.5 is not allowed"),
        ("train.optim.lr=.nan", "train.optim.lr: nan is not allowed"),
        ("model.kind=lrge", "should be 'small' or 'large'; did you mean 'large'?"),
        ("train.optim.lr_steps=[1,a]", "command line: train.optim.lr_steps.1: 'a' is not allowed"),
        ("train=3", "train: 3 is not allowed: should be a section of options"),
        ("train.optim.lr.x=3", "train.optim.lr"),
        ("labels={1: 1}", "labels: the key 1 is not text: put it in quotes"),
        ("labels={on: 1}", "labels: the key True is not text: put it in quotes"),
        ("labels={1.5: 1}", "labels: the key 1.5 is not text: put it in quotes"),
        ("train.num_epochs", "'train.num_epochs': an override is written section.option=value"),
        ("=3", "an override is written"),
        ("train..lr=3", "an override is written"),
        ("train.num_epochs=[1,", "train.num_epochs: line 1"),
        ("train.num_epochs=[[1]]", "train.num_epochs: [[1]] is not allowed"),
        ("train.num_epochs=2026-99-99", "train.num_epochs: not valid YAML: month must be"),
        ("model.kind=" + 99 * "x", f"model.kind: '{27 * 'x'}...{28 * 'x'}' is not allowed"),
        ("train.optim.lr=.inf", "train.optim.lr: inf is not allowed"),
        ("train.interval=11", "command line: train.interval: should be at most num_epochs"),
    ],
)
def test_mistakes_are_one_line(override: str, expected: str) -> None:
    assert expected in refuse(override)


def test_the_source_of_a_mistake_is_named() -> None:
    tree: dict[str, object] = {"train": {"optim": {"lr": -1}}}
    assert refuse(tree=tree).startswith("spec.yaml: train.optim.lr: -1")
    assert refuse("train.optim.lr=-2").startswith("command line: train.optim.lr: -2")
    assert refuse("train.num_epochs=1", tree={"train": {"interval": 2}}) == (
        "spec.yaml: train.interval: should be at most num_epochs"
    )


def test_a_value_of_the_file_that_an_override_takes_for_a_section() -> None:
    tree: dict[str, object] = {"train": {"num_epochs": 3}}
    message = refuse("train.num_epochs.x=1", tree=tree)
    assert message == "train.num_epochs.x: train.num_epochs is not a section"


def test_further_mistakes_are_counted() -> None:
    assert refuse("train.num_epochs=0", "model.dropout=2").endswith("(and 1 more)")


def test_another_option_whose_name_begins_alike_is_not_called_overridden() -> None:
    tree: dict[str, object] = {"train": {"optim": {"lr_steps": 3}}}
    assert refuse("train.optim.lr=1.0", tree=tree).startswith("spec.yaml: train.optim.lr_steps: 3")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"train: [", "line 1"),
        (b"- 1\n", "a spec is a mapping of sections"),
        (b"train:\n  num_epochs: 1\n  num_epochs: 2\n", "line 3 key 'num_epochs' is given twice"),
        (b"\xff\xfe\x00", "not UTF-8 text"),
        (b"a: !!python/object/apply:os.getcwd []\n", "could not determine a constructor"),
        (b"{[1]: 2}", "line 1"),
        (b"key: " + 9999 * b"[", "not valid YAML: maximum recursion depth"),
        (b"key: \x00", "not valid YAML: unacceptable character"),
    ],
)
def test_unreadable_files(tmp_path: Path, content: bytes, expected: str) -> None:
    path = tmp_path / "spec.yaml"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        load_spec(path, Experiment)
    assert expected in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("key", ["train", "model", "labels"])
def test_aliases_of_aliases_are_refused_in_short(tmp_path: Path, key: str) -> None:
    path = tmp_path / "spec.yaml"
    layers = [f"    - &a{number} [*a{number - 1}, *a{number - 1}]" for number in range(1, 65)]
    value = "kind: *a64" if key == "model" else "*a64"
    lines = [f"{key}:", f"  {value}"] if key == "model" else [f"{key}: {value}"]
    path.write_text("\n".join(["key:", "    - &a0 [lol]", *layers, *lines]))
    with pytest.raises(InputError, match=r"spec\.yaml: "):
        load_spec(path, Experiment)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot read the spec: No such file"):
        load_spec(tmp_path / "none.yaml", Experiment)


def test_empty_file_gives_defaults(tmp_path: Path) -> None:
    (tmp_path / "spec.yaml").write_text("\n")
    assert load_spec(tmp_path / "spec.yaml", Experiment) == Experiment()


def test_require() -> None:
    assert require(make_spec(Experiment, {}, ["model.weights=a.pth"]), "model.weights") == "a.pth"
    with pytest.raises(InputError, match=r"model\.weights is not set.*model\.weights=VALUE"):
        require(Experiment(), "model.weights")
    with pytest.raises(InputError, match=r"^name is not set"):
        require(Named(), "name")
