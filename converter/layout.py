"""A skeleton: named joints, the edges between them, the centre, left and right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from converter.errors import InputError


@dataclass(frozen=True)
class Layout:
    """A skeleton of V named joints.

    Attributes:
        name: Name of the layout, as in TAO's `graph_layout`.
        joints: V joint names, in the order of the arrays.
        edges: Pairs of joint indices (from 0), without self loops.
        centre: Index of the joint that the spatial partition strategy measures distances from.
        pairs: (left, right) indices, for mirroring. Found by the names (`left_x`, `right_x`)
            when not given.
        aliases: Joint name of this layout -> common name used for mapping.

    Raises:
        InputError: A name is used twice, or an index is out of range or used twice.
    """

    name: str
    joints: tuple[str, ...]
    edges: tuple[tuple[int, int], ...]
    centre: int = 0
    pairs: tuple[tuple[int, int], ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict, repr=False, hash=False)

    def __post_init__(self) -> None:
        if not self.pairs:
            object.__setattr__(self, "pairs", _pairs_by_name(self.common_names))
        self._validate()

    @property
    def num_joints(self) -> int:
        """V, the number of joints."""
        return len(self.joints)

    @property
    def common_names(self) -> tuple[str, ...]:
        """The joint names shared by all layouts, in the order of `joints`."""
        return tuple(self.aliases.get(joint, joint) for joint in self.joints)

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any], source: str = "layout") -> Layout:
        """Build a layout from a mapping such as a YAML file holds.

        Args:
            mapping: Keys `name`, `joints` (list of names), `edges` (list of pairs) and optionally
                `centre`, `pairs` and `aliases`. Joints in `edges`, `centre` and `pairs` are given
                by name or by index from 0.
            source: Where the mapping comes from, for messages.

        Raises:
            InputError: A key is missing, unknown or malformed.
        """
        if not isinstance(mapping, Mapping):
            raise InputError(f"{source}: must be a mapping with 'name', 'joints' and 'edges'")
        known = {"name", "joints", "edges", "centre", "pairs", "aliases"}
        if unknown := sorted(str(key) for key in mapping if key not in known):
            raise InputError(f"{source}: unknown key '{unknown[0]}', expected {sorted(known)}")
        joints = mapping.get("joints")
        if not isinstance(joints, Sequence) or isinstance(joints, str):
            raise InputError(f"{source}: 'joints' must be a list of joint names")
        names = tuple(str(joint) for joint in joints)
        aliases = mapping.get("aliases") or {}
        if not isinstance(aliases, Mapping):
            raise InputError(f"{source}: 'aliases' must map joint names to common names")
        try:
            return cls(
                name=str(mapping.get("name") or ""),
                joints=names,
                edges=_read_pairs(mapping.get("edges"), "edges", names),
                centre=_read_joint(mapping.get("centre", 0), "centre", names),
                pairs=_read_pairs(mapping.get("pairs", ()), "pairs", names),
                aliases={str(joint): str(common) for joint, common in aliases.items()},
            )
        except InputError as error:
            raise InputError(f"{source}: {error}") from None

    def _validate(self) -> None:
        if not self.name:
            raise InputError("a layout needs a 'name'")
        if not self.joints:
            raise InputError(f"layout '{self.name}' has no joints")
        if (repeated := _first_repeated(self.common_names)) is not None:
            raise InputError(f"layout '{self.name}' names joint '{repeated}' twice")
        if stray := sorted(set(self.aliases) - set(self.joints)):
            raise InputError(f"layout '{self.name}': alias of '{stray[0]}', which is not a joint")
        for index in (self.centre, *chain.from_iterable(self.edges + self.pairs)):
            if not 0 <= index < self.num_joints:
                raise InputError(
                    f"layout '{self.name}': joint index {index} is not in 0..{self.num_joints - 1}"
                )
        if loop := next((edge for edge in self.edges if edge[0] == edge[1]), None):
            raise InputError(f"layout '{self.name}': edge {loop} joins a joint with itself")
        if repeated_edge := _first_repeated(tuple(sorted(edge)) for edge in self.edges):
            raise InputError(f"layout '{self.name}': edge {repeated_edge} is given twice")
        if (shared := _first_repeated(chain.from_iterable(self.pairs))) is not None:
            raise InputError(f"layout '{self.name}': joint {shared} is in two left/right pairs")


def _first_repeated(items: Iterable[Any]) -> Any:
    return next((item for item, count in Counter(items).items() if count > 1), None)


def _pairs_by_name(names: Sequence[str]) -> tuple[tuple[int, int], ...]:
    index = {name: joint for joint, name in enumerate(names)}
    return tuple(
        (joint, index["right_" + name[5:]])
        for name, joint in index.items()
        if name.startswith("left_") and "right_" + name[5:] in index
    )


def _read_joint(value: Any, key: str, names: tuple[str, ...]) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if value in names:
        return names.index(value)
    raise InputError(f"'{key}' names {value!r}, which is not a joint of the layout")


def _read_pairs(value: Any, key: str, names: tuple[str, ...]) -> tuple[tuple[int, int], ...]:
    pairs = value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
    if not all(isinstance(p, Sequence) and not isinstance(p, str) and len(p) == 2 for p in pairs):
        raise InputError(f"'{key}' must be a list of pairs of joints")
    return tuple((_read_joint(a, key, names), _read_joint(b, key, names)) for a, b in pairs)
