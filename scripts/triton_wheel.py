"""The tritonserver inside the nvidia-pytriton wheel: where it is and how it must be started."""

from __future__ import annotations

import importlib.util
import os
import sys
import sysconfig
from pathlib import Path

from converter.errors import InputError

ROOT = Path(__file__).resolve().parents[1]
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
GLIBC_WANTED = (2, 35)

# glibc gives blocks as large as a batch back to the system after every request and gets them anew,
# which costs more than what is computed in them.
KEEP_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(32 << 20), "MALLOC_TRIM_THRESHOLD_": str(64 << 20)}


class TritonWheel:
    """Paths of the installed wheel, checked.

    Raises:
        InputError: The wheel, its stub for this Python, or libpython is missing; says what to do.
    """

    def __init__(self) -> None:
        spec = importlib.util.find_spec("pytriton")
        if spec is None or not spec.submodule_search_locations:
            raise InputError(f"the embedded Triton is not installed: {_how_to_install()}")
        package = Path(next(iter(spec.submodule_search_locations)))
        self.server = package / "tritonserver/bin/tritonserver"
        self._backend = package / "tritonserver/backends/python"
        self._stub = (
            package / "tritonserver/python_backend_stubs" / PYTHON / "triton_python_backend_stub"
        )
        self._libraries = (package.parent / "nvidia_pytriton.libs", _libpython().parent)
        if not self._stub.exists():
            raise InputError(
                f"the embedded Triton has no backend for Python {PYTHON}: use 3.10-3.12"
            )

    def make_backends(self, folder: Path) -> Path:
        """Link in `folder` a backend directory whose Python backend runs this interpreter.

        The backend's own folder is on `sys.path` of every Python model, whatever the
        environment says, so `converter` is linked there too.
        """
        python = folder / "backends/python"
        python.mkdir(parents=True)
        for target in (*self._backend.iterdir(), self._stub, ROOT / "converter"):
            if target.name != "__pycache__":
                (python / target.name).symlink_to(target)
        return python.parent

    def environment(self) -> dict[str, str]:
        """The environment of tritonserver; its Python is the `python3` found first on PATH."""
        clean = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
        own = {
            "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.defpath)),
            "LD_LIBRARY_PATH": os.pathsep.join(map(str, self._libraries)),
            "PYTHONNOUSERSITE": "1",
        }
        return KEEP_MEMORY | clean | own


def _libpython() -> Path:
    name = f"libpython{PYTHON}.so.1.0"
    folders = (sysconfig.get_config_var("LIBDIR"), Path(sys.base_prefix) / "lib")
    for folder in folders:
        if folder and (Path(folder) / name).exists():
            return Path(folder) / name
    raise InputError(
        f"the embedded Triton needs {name}, which this Python lacks: "
        f"apt install libpython{PYTHON}, or use a Python built with --enable-shared (uv, conda)"
    )


def _how_to_install() -> str:
    try:
        libc, version = str(os.confstr("CS_GNU_LIBC_VERSION")).split()
        glibc = tuple(int(part) for part in version.split("."))
    except (ValueError, OSError):
        libc, version, glibc = "libc", "unknown", ()
    if glibc < GLIBC_WANTED:
        wanted = ".".join(map(str, GLIBC_WANTED))
        return f"its wheel needs glibc {wanted} or newer, this system has {libc} {version}"
    return "run scripts/setup_env.sh serve"
