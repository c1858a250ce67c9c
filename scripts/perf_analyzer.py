"""Triton's perf_analyzer: fetched when it is needed, run with the libraries it wants.

NVIDIA puts the program into the manylinux wheel of tritonclient 2.50.0 (later ones want a newer
glibc, or leave it out). It is linked to libb64 (Debian) and to the CUDA runtime (PyPI), which it
needs on machines without a GPU too. All three are unpacked into a cache folder; nothing is
installed, and no rights are needed. `PERF_ANALYZER=container` takes it from Triton's SDK container.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from converter.errors import InputError
from scripts.triton_wheel import ROOT

VERSION = "2.50.0"
WHEELS = (f"tritonclient=={VERSION}", "nvidia-cuda-runtime-cu12==12.9.79")
PLATFORMS = ("--platform", "manylinux1_x86_64", "--platform", "manylinux2014_x86_64")
PROGRAM = f"tritonclient-{VERSION}.data/data/bin/perf_analyzer"
CUDA_LIBRARY = "nvidia/cuda_runtime/lib/libcudart.so.12"
BASE64_LIBRARY, DEBIAN_PACKAGE = "libb64.so.0d", "libb64-0d"
INSTEAD = "set PERF_ANALYZER to one of your own, or to 'container' for Triton's SDK container"
CONTAINER = "container"


@dataclass(frozen=True)
class PerfAnalyzer:
    """A perf_analyzer that runs here.

    Attributes:
        command: The program, with what goes before its arguments.
        libraries: Folders to look for its libraries in, besides the system's.
    """

    command: tuple[str, ...]
    libraries: tuple[Path, ...] = ()

    @classmethod
    def find(cls, cache: Path | None = None) -> PerfAnalyzer:
        """The one that `PERF_ANALYZER` names, else that on the PATH, else NVIDIA's, fetched once.

        Args:
            cache: Where to unpack; default: `~/.cache/tao-pose-triton`.

        Raises:
            InputError: It cannot be had; says why and what to do instead.
        """
        named = os.environ.get("PERF_ANALYZER") or shutil.which("perf_analyzer")
        if named == CONTAINER:
            return cls(_container())
        if named:
            if not Path(named).is_file():
                raise InputError(f"PERF_ANALYZER is {named}: no such file")
            return cls((named,))
        folder = (cache or _cache()) / f"perf_analyzer-{VERSION}"
        if not folder.exists():
            folder.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
                made = Path(temporary) / "made"
                _fetch(made)
                made.rename(folder)
        return cls((str(folder / PROGRAM),), (folder / Path(CUDA_LIBRARY).parent, folder))

    def run(self, *arguments: str) -> str:
        """Run it; returns what it printed.

        Raises:
            RuntimeError: It failed; holds its last lines.
        """
        paths = [*map(str, self.libraries), os.environ.get("LD_LIBRARY_PATH", "")]
        env = os.environ | {"LD_LIBRARY_PATH": os.pathsep.join(filter(None, paths))}
        command = [*self.command, *arguments]
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
        if done.returncode:
            lines = (done.stdout + done.stderr).strip().splitlines()
            raise RuntimeError(f"perf_analyzer failed: {' '.join(lines[-3:])}")
        return done.stdout


def _container() -> tuple[str, ...]:
    """A run of the SDK container of the server's release, which sees the temporary folder."""
    if shutil.which("docker") is None:
        raise InputError(f"PERF_ANALYZER is {CONTAINER}, but Docker is not installed")
    compose = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    image, tag = re.findall(r"image: (\S+):\$\{TRITON_TAG:-(\S+)\}", compose)[0]
    tag = os.environ.get("TRITON_TAG", tag)
    folder = tempfile.gettempdir()
    run = ["docker", "run", "--rm", "--network", "host", "--ipc", "host"]
    return (*run, "--volume", f"{folder}:{folder}", f"{image}:{tag}-sdk", "perf_analyzer")


def _cache() -> Path:
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "tao-pose-triton"


def _fetch(folder: Path) -> None:
    wheels = folder / "wheels"
    folder.mkdir()
    download = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    download += ["--only-binary=:all:", *PLATFORMS, "--dest", str(wheels), *WHEELS]
    _must(download, folder.parent, "PyPI cannot be reached, or has them no more")
    for wheel in wheels.iterdir():
        with zipfile.ZipFile(wheel) as archive:
            for name in archive.namelist():
                if name in (PROGRAM, CUDA_LIBRARY):
                    archive.extract(name, folder)
    shutil.rmtree(wheels)
    (folder / PROGRAM).chmod(0o755)
    if not _system_has(BASE64_LIBRARY):
        _fetch_base64(folder)


def _fetch_base64(folder: Path) -> None:
    for tool in ("apt-get", "dpkg-deb"):
        if shutil.which(tool) is None:
            raise InputError(f"perf_analyzer needs {BASE64_LIBRARY}: install it, or {INSTEAD}")
    why = f"apt-get has no {DEBIAN_PACKAGE}: run apt-get update"
    _must(["apt-get", "download", DEBIAN_PACKAGE], folder, why)
    (package,) = folder.glob(f"{DEBIAN_PACKAGE}_*.deb")
    _must(["dpkg-deb", "-x", package.name, "unpacked"], folder, "it cannot be unpacked")
    (library,) = (path for path in folder.rglob(BASE64_LIBRARY) if path.exists())
    shutil.copy(library, folder / BASE64_LIBRARY)
    shutil.rmtree(folder / "unpacked")
    package.unlink()


def _system_has(library: str) -> bool:
    ldconfig = shutil.which("ldconfig", path=os.pathsep.join(("/sbin", "/usr/sbin", os.defpath)))
    if ldconfig is None:
        return False
    known = subprocess.run([ldconfig, "-p"], capture_output=True, text=True, check=False)
    return library in known.stdout


def _must(command: Sequence[str], folder: Path, why: str) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [""])[-1]
        raise InputError(f"perf_analyzer cannot be fetched: {why} ({last}), or {INSTEAD}")
