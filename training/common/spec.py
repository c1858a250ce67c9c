"""Experiment specs: YAML files with `section.option=value` overrides, checked against a schema.

A task's schema is a tree of :class:`SpecModel` classes; :func:`load_spec` turns a file and
overrides into one, or raises one line that names the key, the value and what is allowed.
"""

from __future__ import annotations

import difflib
import logging
import re
import reprlib
import types
from collections.abc import Hashable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, TypeVar, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError, model_validator

from converter import InputError

logger = logging.getLogger(__name__)


class SpecModel(BaseModel):
    """A section of a spec: no unknown keys, no silent conversions of type.

    Attributes:
        ignored: Keys that TAO writes into its specs and that mean nothing here. They are left out,
            and a warning says so.
    """

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)
    ignored: ClassVar[frozenset[str]] = frozenset()

    @model_validator(mode="before")
    @classmethod
    def _empty_section_is_default(cls, value: object) -> object:
        return {} if value is None else value


def _unset(value: object) -> object:
    return None if value in ("", "???") else value


OptionalText = Annotated[str | None, BeforeValidator(_unset)]
"""Text that may be left out; TAO's ways to say so (`""`, `null`, `???`) all give None."""

Spec = TypeVar("Spec", bound=SpecModel)


class _SpecLoader(yaml.SafeLoader):
    """YAML 1.1 with the floats of YAML 1.2 (`1e-4`), refusing a key given twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                problem = f"key {key.value!r} is given twice"
                raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
            seen.add(str(key.value))
        return super().construct_mapping(node, deep)


_SpecLoader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(\d+(\.\d*)?|\.\d+)[eE][-+]?\d+$"),
    list("-+0123456789."),
)


def parse_yaml(text: str, source: str) -> object:
    """Parse one YAML document.

    Raises:
        InputError: the text is not YAML; names `source` and the line.
    """
    try:
        return yaml.load(text, _SpecLoader)  # noqa: S506 - a subclass of SafeLoader
    except yaml.MarkedYAMLError as error:
        line = f" line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise InputError(f"{source}:{line} {error.problem or 'not valid YAML'}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise InputError(f"{source}: not valid YAML: {str(error).splitlines()[0]}") from None


def load_spec(path: str | Path, schema: type[Spec], overrides: Sequence[str] = ()) -> Spec:
    """Read a spec file, apply overrides, check everything.

    Args:
        path: the YAML file.
        schema: the spec's class.
        overrides: `section.option=value` texts, values in YAML (`train.gpu_ids=[0,1]`); `+` or
            `++` may stand before them, as in Hydra.

    Raises:
        InputError: unreadable file, unknown key, wrong type or value out of range.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise InputError(f"{path}: cannot read the spec: {reason}") from None
    tree = parse_yaml(text, str(path)) or {}
    if not isinstance(tree, dict):
        raise InputError(f"{path}: a spec is a mapping of sections, this is {_show(tree)}")
    return make_spec(schema, tree, overrides, source=str(path))


def make_spec(
    schema: type[Spec],
    tree: Mapping[str, Any],
    overrides: Sequence[str] = (),
    source: str = "spec",
) -> Spec:
    """Check a tree of options that is already in memory; see :func:`load_spec`."""
    merged = _copy(tree)
    overridden = [_apply(merged, text, schema) for text in overrides]
    if ignored := ", ".join(_leave_out_ignored(merged, schema)):
        logger.warning("%s: %s: of TAO, without a meaning here; ignored", source, ignored)
    try:
        return schema.model_validate(merged)
    except ValidationError as error:
        problems = error.errors(include_url=False)
        first = problems[0]
        line = _explain(first, schema)
        if any(line.startswith((f"{key}:", f"{key}.")) for key in overridden):
            source = "command line"
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        raise InputError(f"{source}: {line}{more}") from None


def require(spec: SpecModel, key: str) -> str:
    """Return a text option that a task cannot do without.

    Raises:
        InputError: it is not set.
    """
    value: Any = spec
    for part in key.split("."):
        value = getattr(value, part)
    if not value:
        raise InputError(f"{key} is not set: put it into the spec or add {key}=VALUE")
    return str(value)


def section_class(annotation: object) -> type[SpecModel] | None:
    """The :class:`SpecModel` that an annotation stands for, if it is one."""
    if isinstance(annotation, type) and issubclass(annotation, SpecModel):
        return annotation
    return None


def _copy(tree: Any) -> Any:
    """A copy of all mappings; overrides set what is in these, and nothing else."""
    return {k: _copy(v) for k, v in tree.items()} if isinstance(tree, Mapping) else tree


def _leave_out_ignored(tree: dict[str, Any], schema: type[SpecModel], at: str = "") -> list[str]:
    """Take the keys that :class:`SpecModel` ignores out of the tree; returns them."""
    ignored = [key for key in tree if key in schema.ignored]
    names = [f"{at}{key}" for key in ignored]
    for key in ignored:
        del tree[key]
    for name, field in schema.model_fields.items():
        section = section_class(field.annotation)
        if section is not None and isinstance(tree.get(name), dict):
            names += _leave_out_ignored(tree[name], section, f"{at}{name}.")
    return names


def _apply(tree: dict[str, Any], text: str, schema: type[SpecModel]) -> str:
    """Set one override in the tree; returns its key."""
    key, equals, raw = text.partition("=")
    key = key.lstrip("+")  # Hydra's mark of an option that the file does not have
    parts = key.split(".")
    if not equals or not all(parts):
        raise InputError(f"{text!r}: an override is written section.option=value")
    value: object = raw
    if not _is_text(schema, parts) or raw.strip()[:1] in ("", "'", '"') or raw == "null":
        value = parse_yaml(raw, key)
    for depth, part in enumerate(parts[:-1], start=1):
        if tree.get(part) is None:
            tree[part] = {}
        tree = tree[part]
        if not isinstance(tree, dict):
            raise InputError(f"{key}: {'.'.join(parts[:depth])} is not a section")
    tree[parts[-1]] = value
    return key


def _is_text(schema: type[SpecModel], parts: Sequence[str]) -> bool:
    """Whether the option holds text, which is taken as typed (`encryption_key=0123`)."""
    annotation: Any = schema
    for part in parts:
        section = section_class(annotation)
        if section is None or part not in section.model_fields:
            return False
        annotation = section.model_fields[part].annotation
    union = get_origin(annotation) in (Union, types.UnionType)
    return str in (get_args(annotation) if union else (annotation,))


def _explain(problem: Mapping[str, Any], schema: type[SpecModel]) -> str:
    # Parts in brackets are pydantic's, or name the chosen class of a union: not keys of the file.
    where = ".".join(str(part) for part in problem["loc"] if not str(part).startswith("["))
    kind, value = problem["type"], problem["input"]
    if problem["loc"][-1:] == ("[key]",):
        section = ".".join(str(part) for part in problem["loc"][:-2])
        return f"{section}: the key {_show(value)} is not text: put it in quotes"
    if kind == "extra_forbidden":
        return f"{where}: unknown key; {_nearest_key(where, schema)}"
    if kind == "value_error":
        # The check of a whole section begins its message with the option's name.
        joint = "." if isinstance(value, (Mapping, SpecModel)) else ": "
        return f"{where}{joint}{problem['ctx']['error']}".removeprefix(".")
    if kind == "model_type":
        return f"{where}: {_show(value)} is not allowed: should be a section of options"
    allowed = problem["msg"].replace("Input should be", "should be")
    line = f"{where}: {_show(value)} is not allowed: {allowed}"
    if kind == "literal_error":
        choices = re.findall(r"'([^']*)'", problem["ctx"]["expected"])
        close = difflib.get_close_matches(_show(value).strip("'"), choices, n=1)
        line += f"; did you mean {close[0]!r}?" if close else ""
    return line


def _nearest_key(where: str, schema: type[SpecModel]) -> str:
    *parents, name = where.split(".")
    section: type[SpecModel] = schema
    for part in parents:
        section = section_class(section.model_fields[part].annotation) or section
    keys = list(section.model_fields)
    close = difflib.get_close_matches(name, keys, n=1)
    if close:
        return f"did you mean {'.'.join([*parents, close[0]])!r}?"
    elsewhere = [key for key in option_keys(schema) if key.split(".")[-1] == name]
    if elsewhere:
        return f"did you mean {elsewhere[0]!r}?"
    return f"allowed here: {', '.join(keys)}"


def option_keys(schema: type[SpecModel], prefix: str = "") -> Iterator[str]:
    """Dotted names of all options of a schema, in order."""
    for name, field in schema.model_fields.items():
        section = section_class(field.annotation)
        if section is None:
            yield prefix + name
        else:
            yield from option_keys(section, f"{prefix}{name}.")


_BRIEF = reprlib.Repr()  # of what YAML's aliases hold many times over, too
_BRIEF.maxstring = _BRIEF.maxother = 60


def _show(value: object) -> str:
    text = _BRIEF.repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
