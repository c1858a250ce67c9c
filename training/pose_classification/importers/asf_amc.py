"""Joint positions from Acclaim motion capture: a skeleton (``.asf``) and a motion (``.amc``).

After the format's description by Lander (1998). A bone's rotation is C · M · C⁻¹, where C is the
rotation of its own axes and M that of the motion, both in the order the file names. The position
of a bone is where it ends.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from converter import InputError

Floats = NDArray[np.float64]
_AXES = {"x": 0, "y": 1, "z": 2}


@dataclass(frozen=True)
class Bone:
    """A bone at rest.

    Attributes:
        offset: (3,) from its start to its end.
        axes: (3, 3) rotation of its own axes, C.
        freedoms: The angles that a motion gives for it, such as ``("rx", "rz")``.
        parent: Name of the bone it hangs on.
    """

    offset: Floats
    axes: Floats
    freedoms: tuple[str, ...]
    parent: str


@dataclass(frozen=True)
class Skeleton:
    """A skeleton at rest; `bones` is in the order of its file, without the root."""

    bones: dict[str, Bone]
    root_order: tuple[str, ...]
    root_axes: Floats
    radians: bool


def read_asf(path: Path) -> Skeleton:
    """Read a skeleton.

    Raises:
        InputError: The file cannot be read or is no skeleton.
    """
    try:
        sections = _sections(path.read_text(encoding="ascii", errors="replace"))
        radians = any(line.split() == ["angle", "rad"] for line in sections["units"])
        root = {line.split()[0]: line.split()[1:] for line in sections["root"]}
        axes = root.get("axis", ["XYZ"])[0].lower()
        orientation = np.array(root.get("orientation", ["0", "0", "0"]), dtype=float)
        parents = dict(_hierarchy(sections["hierarchy"]))
        bones = {
            name: _bone(entries, parents[name], radians)
            for name, entries in _bones(sections["bonedata"])
        }
        return Skeleton(
            bones,
            tuple(item.lower() for item in root["order"]),
            _rotation(axes, orientation[None], radians)[0],
            radians,
        )
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from error
    except (KeyError, ValueError, IndexError) as error:
        raise InputError(f"{path}: not an ASF skeleton ({error})") from error


def read_amc(path: Path, skeleton: Skeleton) -> NDArray[np.float32]:
    """Read a motion.

    Args:
        path: The ``.amc`` file.
        skeleton: Its skeleton.

    Returns:
        (T, 1 + bones, 3) positions of the root and of the ends of all bones, in the skeleton's
        unit of length.

    Raises:
        InputError: The file cannot be read or does not fit the skeleton.
    """
    try:
        channels = _channels(path.read_text(encoding="ascii", errors="replace"))
        freedoms = {name: bone.freedoms for name, bone in skeleton.bones.items() if bone.freedoms}
        for name, wanted in (freedoms | {"root": skeleton.root_order}).items():
            if channels[name].shape != (shape := (len(channels["root"]), len(wanted))):
                raise ValueError(
                    f"{name} has {channels[name].shape} frames and angles, not {shape}"
                )
        root = dict(zip(skeleton.root_order, channels["root"].T, strict=True))
        positions = {"root": np.stack([root["tx"], root["ty"], root["tz"]], axis=1)}
        rotations = {
            "root": _motion(skeleton.root_order, channels["root"], skeleton.root_axes, skeleton)
        }
        for name in _from_the_root(skeleton):
            bone = skeleton.bones[name]
            turned = rotations[bone.parent]
            if bone.freedoms:
                turned = turned @ _motion(bone.freedoms, channels[name], bone.axes, skeleton)
            rotations[name] = turned
            positions[name] = positions[bone.parent] + turned @ bone.offset
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from error
    except (KeyError, ValueError) as error:
        raise InputError(f"{path}: not an AMC motion of this skeleton ({error})") from error
    ends = np.stack([positions[name] for name in ("root", *skeleton.bones)], axis=1)
    return np.asarray(ends, dtype=np.float32)


def _sections(text: str) -> dict[str, list[str]]:
    sections: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in text.splitlines():
        line = line.split("#")[0].strip()
        if line.startswith(":"):
            lines = sections.setdefault(line[1:].split()[0], [])
        elif line:
            lines.append(line)
    return sections


def _bones(lines: list[str]) -> Iterator[tuple[str, dict[str, list[str]]]]:
    entries: dict[str, list[str]] = {}
    for line in lines:
        word, *values = line.split()
        if word == "begin":
            entries = {}
        elif word == "end":
            yield entries["name"][0], entries
        elif not word.startswith("("):  # further lines of "limits"
            entries[word] = values


def _bone(entries: dict[str, list[str]], parent: str, radians: bool) -> Bone:
    direction = np.array(entries["direction"], dtype=float).reshape(3)
    *angles, order = entries["axis"]
    return Bone(
        direction / np.linalg.norm(direction) * float(entries["length"][0]),
        _rotation(order.lower(), np.array(angles, dtype=float)[None], radians)[0],
        tuple(freedom.lower() for freedom in entries.get("dof", [])),
        parent,
    )


def _hierarchy(lines: list[str]) -> Iterator[tuple[str, str]]:
    for line in lines:
        parent, *children = line.split()
        yield from ((child, parent) for child in children)


def _from_the_root(skeleton: Skeleton) -> list[str]:
    """Bones in an order in which parents come first."""
    reached, ordered = {"root"}, list[str]()
    while len(ordered) < len(skeleton.bones):
        new = [
            name
            for name, bone in skeleton.bones.items()
            if name not in reached and bone.parent in reached
        ]
        if not new:
            raise ValueError("bones without a way to the root")
        reached.update(new)
        ordered += new
    return ordered


def _channels(text: str) -> dict[str, Floats]:
    """Values (T, freedoms) of each bone."""
    values: dict[str, list[list[float]]] = {}
    for line in text.splitlines():
        word, *numbers = line.split() or ["#"]
        if numbers and not word.startswith(("#", ":")):
            values.setdefault(word, []).append([float(number) for number in numbers])
    return {name: np.array(rows) for name, rows in values.items()}


def _motion(freedoms: tuple[str, ...], values: Floats, axes: Floats, skeleton: Skeleton) -> Floats:
    """C M C⁻¹ of all frames (T, 3, 3)."""
    turning = [(freedom[1], column) for column, freedom in enumerate(freedoms) if freedom[0] == "r"]
    order = "".join(axis for axis, _ in turning)
    angles = values[:, [column for _, column in turning]]
    motion: Floats = axes @ _rotation(order, angles, skeleton.radians) @ axes.T
    return motion


def _rotation(order: str, angles: Floats, radians: bool) -> Floats:
    """Rotations (T, 3, 3) about the axes in `order`, the first named first; angles (T, axes)."""
    turned = np.broadcast_to(np.eye(3), (len(angles), 3, 3))
    for axis, angle in zip(order, (angles if radians else np.deg2rad(angles)).T, strict=True):
        i, j = (_AXES[axis] + 1) % 3, (_AXES[axis] + 2) % 3
        about = np.tile(np.eye(3), (len(angles), 1, 1))
        about[:, i, i] = about[:, j, j] = np.cos(angle)
        about[:, j, i] = np.sin(angle)
        about[:, i, j] = -np.sin(angle)
        turned = about @ turned
    return turned
