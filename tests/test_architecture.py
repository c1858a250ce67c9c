"""The promises of docs/architecture.md: arrows point one way, files stay small."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
OWN = {"benchmarks", "client", "converter", "scripts", "tests", "training", "video"}
MAY_IMPORT = {
    "converter": set(),
    # Pictures of results, imported only where they are asked for.
    "client": {"converter", "video.overlay", "video.report", "video.results"},
    "video": {"converter"},
    "training/common": {"converter"},
    "training/pose_classification": {"converter", "training.common"},
    "training/bpnet": {"converter", "training.common"},
    "training/recipes": {"converter", "training.common", "training.pose_classification"},
    "model_repository": {"converter"},
    "model_repository_bodypose": {"converter"},
}
# What converter needs besides numpy, and where.
JSON_LIBRARIES = {"msgspec", "orjson"}


def sources(folder: str) -> list[Path]:
    found = sorted((ROOT / folder).rglob("*.py"))
    assert found, f"{folder} holds no module: is that its name?"
    return found


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


@pytest.mark.parametrize("folder", MAY_IMPORT)
def test_imports_point_one_way(folder: str) -> None:
    allowed = MAY_IMPORT[folder] | {folder.replace("/", ".")}
    for path in sources(folder):
        own = {name for name in imports(path) if name.split(".")[0] in OWN}
        stray = {n for n in own if not any(n == a or n.startswith(f"{a}.") for a in allowed)}
        assert not stray, f"{path.relative_to(ROOT)} imports {sorted(stray)}"


def test_converter_needs_a_json_library_for_documents_only() -> None:
    for path in sources("converter"):
        used = {name.split(".")[0] for name in imports(path)} & JSON_LIBRARIES
        assert not used or path.parent.name == "deepstream", path


def test_files_are_small_and_named_for_one_idea() -> None:
    for folder in [*OWN, "model_repository", "model_repository_bodypose"]:
        for path in sources(folder):
            assert len(path.read_text().splitlines()) <= 400, path
            assert path.stem not in {"utils", "helpers", "misc"}, path
