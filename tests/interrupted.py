"""Commands that Ctrl-C ends while they load."""

from __future__ import annotations

import subprocess
import sys

CODE = """
import runpy, sys
class Interrupts:
    def find_spec(self, name, *_):
        if name == sys.argv[1]: raise KeyboardInterrupt
sys.meta_path.insert(0, Interrupts())
start = runpy.run_path if sys.argv[2].endswith(".py") else runpy.run_module
start(sys.argv[2], run_name="__main__")
"""


def interrupted(command: str, at: str) -> tuple[int, str]:
    """Start a command in a process of its own, and interrupt it where it imports a module.

    Args:
        command: Its file, or its package.
        at: The module.

    Returns:
        The exit code, and what is on standard error.
    """
    done = subprocess.run([sys.executable, "-c", CODE, at, command], capture_output=True, text=True)
    return done.returncode, done.stderr
