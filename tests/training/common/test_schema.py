from __future__ import annotations

from typing import Annotated, Literal

import yaml
from pydantic import Field

from training.common.schema import commented_yaml, help_text, options, options_table
from training.common.spec import OptionalText, SpecModel, make_spec


class Inner(SpecModel):
    rate: float = Field(default=1e-4, gt=0, lt=1, description="The rate.")
    mode: Literal[32, "bf16"] = Field(default=32, description="The mode.")


class Outer(SpecModel):
    folder: OptionalText = Field(default=None, description="The folder.")
    names: dict[str, int] = Field(default={}, description="Names, " + "very long " * 20 + "text.")
    steps: list[int] = Field(default=[*range(9)], description="Steps.")
    length: int | None = Field(default=None, gt=0, description="Length.")
    share: Annotated[float, Field(ge=0), Field(le=1)] | None = Field(default=None)
    sides: list[Literal["left", "right"]] = Field(default_factory=lambda: ["left"])
    inner: Inner = Field(default=Inner(), description="The inner section.")


def test_options() -> None:
    facts = [(item.key, item.kind, item.default_text, item.allowed) for item in options(Outer)]
    assert facts == [
        ("folder", "text", "null", ""),
        ("names", "mapping of text to int", "{}", ""),
        ("steps", "list of int", "[0, 1, 2, 3, 4, 5, 6, 7, 8]", ""),
        ("length", "int", "null", "> 0"),
        ("share", "float", "null", ">= 0 and <= 1"),
        ("sides", "list of text", "[left]", "left | right"),
        ("inner.rate", "float", "0.0001", "> 0 and < 1"),
        ("inner.mode", "text", "32", "32 | bf16"),
    ]


def test_commented_yaml_is_the_defaults_and_explains_everything() -> None:
    text = commented_yaml(Outer)
    assert make_spec(Outer, yaml.safe_load(text)) == Outer()
    assert "  # The rate. (float, > 0 and < 1)\n  rate: 0.0001" in text
    assert "# The inner section.\ninner:" in text
    assert all(len(line) <= 100 for line in text.splitlines())


def test_help_lists_the_sections_that_are_asked_for() -> None:
    text = help_text(Outer, ["inner", "folder", "names"])
    assert all(len(line) <= 100 for line in text.splitlines())
    assert "inner.rate=  (float, > 0 and < 1; default 0.0001)" in text
    assert "folder=" in text
    assert "steps=" not in text


def test_the_table_keeps_its_columns() -> None:
    row = next(line for line in options_table(Outer).splitlines() if "inner.mode" in line)
    assert row == "| `inner.mode` | text | `32` | 32, bf16 | The mode. |"
