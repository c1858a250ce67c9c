"""How a task ends: exit codes, one-line errors, and the first and last line of `status.json`."""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Callable, Iterator

from converter import InputError
from converter.command_line import FAILED, INTERRUPTED, MISTAKE
from converter.messages import presentable
from training.common.status import Status, StatusFile

logger = logging.getLogger(__name__)


def exit_code(program: str, run: Callable[[], int]) -> int:
    """Run a command line; returns 2 for the user's mistake, 1 for a failure, 130 if interrupted.

    Args:
        program: its name, which begins the message on standard error.
        run: the rest; its result is returned if nothing is raised.
    """
    try:
        return run()
    except InputError as error:
        sys.stderr.write(f"{program}: error: {presentable(one_line(error))}\n")
        return MISTAKE
    except KeyboardInterrupt:
        sys.stderr.write(f"{program}: interrupted\n")
        return INTERRUPTED
    except Exception as error:  # a failure is one line; the traceback is for --verbose
        logger.debug("traceback", exc_info=True)
        sys.stderr.write(f"{program}: failed: {presentable(one_line(error))}\n")
        return FAILED


@contextlib.contextmanager
def recorded(status: StatusFile, title: str, task: str) -> Iterator[None]:
    """Write that a task starts, and how it ends.

    Args:
        status: where to.
        title: the program in words.
        task: the verb.
    """
    status.write(Status.STARTED, f"Starting {title} {task}.")
    try:
        yield
    except (KeyboardInterrupt, SystemExit) as error:  # the latter is Lightning's, also at SIGTERM
        status.write(Status.FAILURE, "Interrupted.")
        raise KeyboardInterrupt from error
    except BaseException as error:
        status.write(Status.FAILURE, one_line(error))
        raise
    status.write(Status.SUCCESS, f"{task.replace('_', ' ').capitalize()} finished successfully.")


def one_line(error: BaseException) -> str:
    """An error in one line, with its kind where it is not the user's mistake."""
    lines = str(error).strip().splitlines()
    if isinstance(error, InputError):
        return " ".join(lines)
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
