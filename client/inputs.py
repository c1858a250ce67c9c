"""Which files to work on, and where the results of each go."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from converter import InputError
from converter.atomic import check_place

ARRAYS = (".npy",)
DOCUMENTS = (".json", ".json.gz", ".ndjson", ".ndjson.gz")
# What results are called: those of an array, of a document, of a live stream.
ARRAY_RESULTS, DOCUMENT_RESULTS, LIVE_RESULTS = "results.txt", "results.json", "results.ndjson"
WRITTEN = (DOCUMENT_RESULTS, LIVE_RESULTS)  # by this program, of what it also reads


@dataclass(frozen=True)
class Source:
    """One input file.

    Attributes:
        path: The file.
        output: The file to write.
    """

    path: Path
    output: Path

    @property
    def is_array(self) -> bool:
        """Whether it holds arrays rather than a DeepStream document."""
        return _is(self.path, ARRAYS)


def find_sources(arguments: Sequence[str], output: Path) -> list[Source]:
    """Expand files and folders into sources.

    The results of a single file go to `output` itself, those of several files or of a folder to
    `output / (path below the folder that all inputs share)`, so that no two ever meet.

    Args:
        arguments: Files, or folders to search through (results written earlier are left out:
            what is in `output`, or for a folder that is itself in there what is named so).
        output: The folder for the results.

    Raises:
        InputError: Nothing to do, an unknown kind of file, or results would overwrite an input.
    """
    if not arguments:
        raise InputError("no input: name a .npy array, a .json document, or a folder of them")
    if output.is_file():
        raise InputError(f"--output_path {output}: is a file, not a folder")
    found = [path for argument in arguments for path in _expand(Path(argument), output)]
    paths = {path.resolve(): path for path in found}
    if len(paths) == 1 and Path(arguments[0]).is_file():
        folders = [output]
    else:
        names = [_absolute(path) for path in paths.values()]
        shared = _shared_folder(names)
        folders = [output / name.relative_to(shared) for name in names]
    sources = []
    for path, folder in zip(paths.values(), folders, strict=True):
        target = folder / (ARRAY_RESULTS if _is(path, ARRAYS) else DOCUMENT_RESULTS)
        if target.resolve() in paths or folder.is_file():
            raise InputError(f"{target}: results would overwrite an input; change --output_path")
        sources.append(Source(path, target))
    return sources


def check_output(path: Path) -> None:
    """See, before there is anything to write, that a file and its folders can be made.

    Raises:
        InputError: They cannot.
    """
    check_place(path, "; change --output_path")


def _expand(path: Path, output: Path) -> list[Path]:
    if path.is_file():
        if not _is(path, ARRAYS + DOCUMENTS):
            raise InputError(
                f"{path}: The input for Pose Classification has to be a JSON file or a NumPy array "
                f"({', '.join(ARRAYS + DOCUMENTS)})"
            )
        return [path]
    if not path.is_dir():
        what = "is a pipe; save it to a file first" if path.is_fifo() else "no such file or folder"
        raise InputError(f"{path}: {what}")
    results = output.resolve()
    inside = path.resolve().is_relative_to(results)
    found = [
        file
        for file in _files(path)
        if _is(file, ARRAYS + DOCUMENTS)
        and file.is_file()
        and not (file.name in WRITTEN if inside else file.resolve().is_relative_to(results))
    ]
    if not found:
        raise InputError(f"{path}: no {', '.join(ARRAYS + DOCUMENTS)} file in this folder")
    return found


def _files(folder: Path) -> list[Path]:
    """List the files of a folder and its subfolders, those behind links too, each folder once."""
    seen = set()
    found = []
    for name, folders, files in os.walk(folder, onerror=_unreadable, followlinks=True):
        real = Path(name).resolve()
        if real in seen:  # a link leads back, or a second one here
            folders.clear()
            continue
        seen.add(real)
        found += [Path(name, file) for file in files]
    return sorted(found)


def _unreadable(error: OSError) -> NoReturn:
    raise InputError(f"{error.filename}: cannot be searched: {error.strerror}") from None


def _is(path: Path, suffixes: tuple[str, ...]) -> bool:
    return path.name.lower().endswith(suffixes)


def _shared_folder(paths: Sequence[Path]) -> Path:
    folder = paths[0].parent
    while not all(path.is_relative_to(folder) for path in paths):
        folder = folder.parent
    return folder


def _absolute(path: Path) -> Path:
    """Make a path absolute under the name it was given, which may be that of a link."""
    return Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would follow the link
