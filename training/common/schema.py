"""What a spec's schema says, for people: `--help`, commented spec files, tables in the docs."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args, get_origin

import yaml
from pydantic.fields import FieldInfo

from training.common.spec import SpecModel, section_class

_LIMITS = {"gt": ">", "ge": ">=", "lt": "<", "le": "<="}
_NAMES = {int: "int", float: "float", bool: "bool", str: "text"}


@dataclass(frozen=True)
class Option:
    """One option of a spec."""

    key: str  # dotted, as on the command line
    kind: str  # "int", "list of int", "text" ...
    default: Any
    allowed: str  # "> 0", "tao, mask", or empty
    description: str

    @classmethod
    def of(cls, key: str, field: FieldInfo) -> Option:
        """The option of a field."""
        default = field.get_default(call_default_factory=True)
        kind, choices = _kind(field.annotation)
        return cls(key, kind, default, choices or _limits(field), field.description or "")

    @property
    def facts(self) -> str:
        """Its type and what is allowed: "int, > 0"."""
        return f"{self.kind}, {self.allowed}" if self.allowed else self.kind

    @property
    def default_text(self) -> str:
        """The default as it is written in YAML, in one line."""
        text = yaml.safe_dump(self.default, default_flow_style=True, width=1000)
        return text.removesuffix("...\n").strip()


def options(schema: type[SpecModel], prefix: str = "") -> Iterator[Option]:
    """All options of a schema with their meaning, depth first, in the order of definition."""
    for name, field in schema.model_fields.items():
        section = section_class(field.annotation)
        if section is not None:
            yield from options(section, f"{prefix}{name}.")
        else:
            yield Option.of(prefix + name, field)


def help_text(schema: type[SpecModel], sections: Sequence[str]) -> str:
    """List the options of some sections; an option of the top level is a section of its own."""
    lines = []
    for option in options(schema):
        if option.key.split(".")[0] not in sections:
            continue
        lines.append(f"  {option.key}=  ({option.facts}; default {option.default_text})")
        lines += textwrap.wrap(
            option.description, 92, initial_indent=" " * 6, subsequent_indent=" " * 6
        )
    return "\n".join(lines)


def commented_yaml(schema: type[SpecModel], indent: str = "") -> str:
    """A spec with every option at its default, each under a comment that explains it."""
    lines: list[str] = []
    for name, field in schema.model_fields.items():
        section = section_class(field.annotation)
        option = Option.of(name, field)
        comment = option.description if section else f"{option.description} ({option.facts})"
        lines += textwrap.wrap(
            comment, 100, initial_indent=f"{indent}# ", subsequent_indent=f"{indent}# "
        )
        if section:
            lines += [f"{indent}{name}:", commented_yaml(section, indent + "  ")]
        else:
            lines.append(f"{indent}{name}: {option.default_text}")
    return "\n".join(lines)


def options_table(schema: type[SpecModel]) -> str:
    """All options as a Markdown table."""
    rows = ["| option | type | default | allowed | meaning |", "|---|---|---|---|---|"]
    for option in options(schema):
        allowed = option.allowed.replace(" | ", ", ")
        facts = (f"`{option.key}`", option.kind, f"`{option.default_text}`", allowed)
        rows.append(f"| {' | '.join(facts)} | {option.description} |")
    return "\n".join(rows)


def _kind(annotation: Any) -> tuple[str, str]:
    """Name of a type, and what of it is allowed, as far as the type says."""
    if annotation in _NAMES:
        return _NAMES[annotation], ""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return "text", " | ".join(str(choice) for choice in arguments)
    if origin is Annotated:
        kind, choices = _kind(arguments[0])
        limits = [_limits(item) for item in arguments[1:] if isinstance(item, FieldInfo)]
        return kind, choices or " and ".join(limits)
    if origin is list:
        kind, allowed = _kind(arguments[0])
        return f"list of {kind}", allowed
    if origin is dict:
        return f"mapping of {_kind(arguments[0])[0]} to {_kind(arguments[1])[0]}", ""
    names = [_kind(argument) for argument in arguments if argument is not type(None)]
    return " or ".join(name for name, _ in names), " | ".join(c for _, c in names if c)


def _limits(field: FieldInfo) -> str:
    found = [
        f"{sign} {getattr(item, name)}"
        for item in field.metadata
        for name, sign in _LIMITS.items()
        if getattr(item, name, None) is not None
    ]
    return " and ".join(found)
