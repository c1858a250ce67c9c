"""Run all benchmarks, or those that are named.

    python -m benchmarks [--quick] [convert_annotate ...]

A benchmark that cannot do without arguments of its own (data to read, say), or has no quick form
when that is asked for, is left out and said so. One that fails does not keep the others from
running.
"""

from __future__ import annotations

import argparse
import pkgutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from converter.command_line import INTERRUPTED, MISTAKE


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmarks one after another, each in a process of its own."""
    found = [m.name for m in pkgutil.iter_modules([str(Path(__file__).parent)])]
    names = sorted(name for name in found if not name.startswith("_"))
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Run benchmarks.")
    parser.add_argument("name", nargs="*", help=f"which of {', '.join(names)} (all)")
    parser.add_argument("--quick", action="store_true", help="small sizes: do they run at all?")
    arguments = parser.parse_args(argv)
    if strange := sorted(set(arguments.name) - set(names)):
        parser.error(f"no benchmark is called {strange[0]!r}; there are {', '.join(names)}")
    failed = []
    for name in arguments.name or names:
        sys.stdout.write(f"== {name}\n")
        sys.stdout.flush()
        command = [sys.executable, "-m", f"benchmarks.{name}", *["--quick"] * arguments.quick]
        try:
            code = subprocess.run(command, check=False).returncode
        except KeyboardInterrupt:
            sys.stdout.write("interrupted\n")
            return INTERRUPTED
        if code == MISTAKE and not arguments.name:
            sys.stdout.write(f"   left out; see python -m benchmarks.{name} --help\n")
        elif code:
            failed.append(name)
    if failed:
        sys.stdout.write(f"failed: {', '.join(failed)}\n")
    return int(bool(failed))


if __name__ == "__main__":
    raise SystemExit(main())
