"""The Python examples of docs/converter.md run, and its tables tell the truth."""

import re
from pathlib import Path

import pytest

from converter import ConvertConfig, InputError, get_layout, layout_names
from converter import layouts as table

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "converter.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("example", range(len(EXAMPLES)))
def test_examples_run(example: int, tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(table, "_LAYOUTS", dict(table._LAYOUTS))
    (tmp_path / "samples").symlink_to(ROOT / "samples")
    exec(compile(EXAMPLES[example], f"example {example}", "exec"), {})  # noqa: S102  # ours


def test_table_of_layouts():
    rows = re.findall(r"^\| `([^`]+)` \| (\d+) \| (\d+) \| (\w+) \|", PAGE, re.MULTILINE)
    layouts = [get_layout(name) for name in layout_names()]
    assert rows == [
        (each.name, str(each.num_joints), str(len(each.edges)), each.joints[each.centre])
        for each in layouts
    ]


def test_table_of_settings():
    rows = dict(re.findall(r"^\| `(\w+)` \| `?([\w.]+)`? \|", PAGE, re.MULTILINE))
    for name, default in vars(ConvertConfig()).items():
        if not name.startswith("frame_"):
            assert rows[name] == str(default)


def test_error_class_is_the_documented_one():
    assert "converter.InputError" in PAGE
    assert issubclass(InputError, ValueError)
