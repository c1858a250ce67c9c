"""Where perf_analyzer comes from, and what it is run with."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest

from converter import InputError
from scripts import perf_analyzer
from scripts.perf_analyzer import CUDA_LIBRARY, PROGRAM, PerfAnalyzer


def script(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that comes first on the PATH."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.delenv("PERF_ANALYZER", raising=False)
    monkeypatch.setenv("PATH", os.pathsep.join((str(folder), "/usr/bin", "/bin")))
    return folder


def test_one_on_the_path_is_taken(programs: Path) -> None:
    own = script(programs / "perf_analyzer", "true")
    assert PerfAnalyzer.find() == PerfAnalyzer((str(own),))


def test_it_finds_its_libraries_before_those_of_the_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = script(tmp_path / "own", 'echo "$LD_LIBRARY_PATH"')
    analyzer = PerfAnalyzer((str(own),), (Path("/a"), Path("/b")))
    monkeypatch.delenv("LD_LIBRARY_PATH", raising=False)
    assert analyzer.run() == "/a:/b\n"
    monkeypatch.setenv("LD_LIBRARY_PATH", "/c")
    assert analyzer.run() == "/a:/b:/c\n"


def test_a_failure_is_told_by_its_last_lines(tmp_path: Path) -> None:
    own = script(tmp_path / "own", "echo 1; echo 2; echo 3; echo 4 >&2; exit 9")
    with pytest.raises(RuntimeError, match=r"^perf_analyzer failed: 2 3 4$"):
        PerfAnalyzer((str(own),)).run()


def test_the_container_needs_docker(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERF_ANALYZER", "container")
    monkeypatch.setenv("PATH", str(programs))
    with pytest.raises(InputError, match="but Docker is not installed"):
        PerfAnalyzer.find()
    script(programs / "docker", "true")
    monkeypatch.delenv("TRITON_TAG", raising=False)
    command = PerfAnalyzer.find().command
    assert {"--rm", "host"} < {*command}
    assert command[-2].startswith("nvcr.io/nvidia/tritonserver:")
    assert command[-2].endswith("-py3-sdk")


def wheels(folder: Path) -> None:
    """What the package index has: both wheels, with more than is wanted of them."""
    for name, member in (("a.whl", PROGRAM), ("b.whl", CUDA_LIBRARY)):
        with zipfile.ZipFile(folder / name, "w") as archive:
            archive.writestr(member, "#!/bin/sh\necho fetched\n")
            archive.writestr("more.txt", "unwanted")


@pytest.mark.parametrize("known", [True, False])
def test_it_is_fetched_once(
    known: bool, programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system knows the library that Debian has, or Debian's package is unpacked too."""
    monkeypatch.setattr(perf_analyzer, "_system_has", lambda _: known)
    made = tmp_path / "index"
    made.mkdir()
    wheels(made)
    python = f'for to; do [ "$last" != --dest ] || cp -r {made} "$to"; last=$to; done'
    monkeypatch.setattr("sys.executable", str(script(programs / "python", python)))
    script(programs / "apt-get", 'echo > "$2_1.deb"')
    script(programs / "dpkg-deb", 'mkdir -p "$3/lib"; echo library > "$3/lib/libb64.so.0d"')
    cache = tmp_path / "cache" / "deep"
    for _ in range(2):
        analyzer = PerfAnalyzer.find(cache)
        assert analyzer.run() == "fetched\n"
        (folder,) = cache.iterdir()
        assert analyzer.libraries == (folder / Path(CUDA_LIBRARY).parent, folder)
        files = {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}
        assert files == {PROGRAM, CUDA_LIBRARY, *([] if known else ["libb64.so.0d"])}
        script(programs / "python", "exit 1")  # it is not asked again


def test_what_debian_lacks_is_told(
    programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(programs))
    script(programs / "apt-get", "echo no; echo E: no such package >&2; exit 100")
    with pytest.raises(InputError, match=r"needs libb64\.so\.0d: install it, or set PERF"):
        perf_analyzer._fetch_base64(tmp_path)
    script(programs / "dpkg-deb", "true")
    with pytest.raises(InputError, match=r"run apt-get update \(E: no such package\), or set"):
        perf_analyzer._fetch_base64(tmp_path)


@pytest.mark.parametrize("own", [True, False])
def test_the_cache_is_where_caches_are(own: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.setenv("XDG_CACHE_HOME", "/caches" if own else "")
    root = "/caches" if own else "/home/me/.cache"
    assert perf_analyzer._cache() == Path(root, "tao-pose-triton")
