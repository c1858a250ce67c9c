"""Files are replaced whole or not at all."""

import pytest

from converter.atomic import replacing


def test_new_and_replaced(tmp_path):
    path = tmp_path / "new" / "folder" / "file"
    for text in (b"one", b"two"):
        with replacing(path) as file:
            file.write(text)
            assert not path.exists() or path.read_bytes() == b"one"
        assert path.read_bytes() == text
    assert list(path.parent.iterdir()) == [path]


def test_an_exception_changes_nothing(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises(KeyboardInterrupt), replacing(path) as file:
        file.write(b"new")
        raise KeyboardInterrupt
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
