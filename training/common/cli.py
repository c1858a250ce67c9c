"""TAO's command line: `PROGRAM TASK -e SPEC.yaml [section.option=value ...]`.

A program names its tasks and the schema of its spec; everything else is shared: checking,
help from the schema, the results folder, the first and last line of `status.json`, exit
codes (0 done, 1 failed, 2 the user's mistake, 130 interrupted).

A task is a module with one function::

    def run(spec: ExperimentSpec, results: ResultsDir) -> None: ...

It is imported only when it is asked for, so that `--help` needs no torch.
"""

from __future__ import annotations

import argparse
import difflib
import importlib
import io
import logging
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from converter import InputError
from converter.command_line import Parser
from training.common.outcome import exit_code, recorded
from training.common.results import is_main_process, open_results, write_atomic
from training.common.schema import commented_yaml, help_text, options_table
from training.common.spec import SpecModel, load_spec

logger = logging.getLogger(__name__)
Spec = TypeVar("Spec", bound=SpecModel)

_FLAGS = {"results_dir": "results_dir", "key": "encryption_key"}


@dataclass(frozen=True)
class Task:
    """A verb of a program.

    Attributes:
        name: the verb, which is also the task's own section of the spec.
        help: one line.
        module: where `run(spec, results)` is.
        sections: sections of the spec that the task reads; `--help` lists their options.
    """

    name: str
    help: str
    module: str
    sections: tuple[str, ...]


@dataclass(frozen=True)
class Program(Generic[Spec]):
    """A command with tasks, such as `pose_classification`.

    Attributes:
        name: the command.
        title: the same in words, for the messages in `status.json`.
        schema: the class of the spec.
        tasks: its verbs; `default_specs` is added to them.
    """

    name: str
    title: str
    schema: type[Spec]
    tasks: tuple[Task, ...]

    def main(self, argv: Sequence[str] | None = None) -> int:
        """Run one task; returns the exit code."""
        arguments = list(sys.argv[1:] if argv is None else argv)
        logging.basicConfig(level=logging.INFO, format="%(asctime)s [%(levelname)s] %(message)s")
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="replace")  # TAO's table in a terminal of few characters
        return exit_code(self.name, lambda: self._dispatch(arguments))

    def _dispatch(self, arguments: Sequence[str]) -> int:
        if not arguments or arguments[0] in ("-h", "--help"):
            sys.stdout.write(self._overview())
            return 0 if arguments else 2
        if arguments[0] == "default_specs":
            return self._default_specs(arguments[1:])
        return self._run(self._task(arguments[0]), arguments[1:])

    def _overview(self) -> str:
        width = max(len(task.name) for task in self.tasks)
        verbs = [f"  {task.name:{width}}  {task.help}" for task in self.tasks]
        verbs.append(f"  {'default_specs':{width}}  write a commented spec: [-o FILE]")
        return (
            f"usage: {self.name} TASK -e SPEC.yaml [section.option=value ...]\n\ntasks:\n"
            + "\n".join(verbs)
            + f"\n\n`{self.name} TASK --help` lists every option of a task.\n"
        )

    def _task(self, name: str) -> Task:
        by_name = {task.name: task for task in self.tasks}
        if name not in by_name:
            close = difflib.get_close_matches(name, [*by_name, "default_specs"], n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"tasks: {', '.join(by_name)}"
            raise InputError(f"unknown task {name!r}; {hint}")
        return by_name[name]

    def _default_specs(self, argv: Sequence[str]) -> int:
        parser = Parser(
            prog=f"{self.name} default_specs",
            description="Write a spec with every option at its default and explained.",
        )
        parser.add_argument(
            "-o", "--output", type=Path, metavar="FILE", help="default: standard output"
        )
        parser.add_argument(
            "--table", action="store_true", help="write the options as a Markdown table instead"
        )
        arguments = parser.parse_args(argv)
        output = arguments.output
        text = (options_table if arguments.table else commented_yaml)(self.schema) + "\n"
        if output is None:
            sys.stdout.write(text)
        elif output.exists():
            raise InputError(f"{output}: exists already; remove it or choose another name")
        else:
            try:
                write_atomic(output, text.encode())
            except OSError as error:
                raise InputError(f"{output}: cannot write: {error.strerror}") from None
        return 0

    def _run(self, task: Task, argv: Sequence[str]) -> int:
        arguments = self._parser(task).parse_intermixed_args(argv)
        if arguments.verbose:
            logging.getLogger().setLevel(logging.DEBUG)
            logging.getLogger("matplotlib").setLevel(logging.WARNING)  # it lists every font
        overrides = list(arguments.overrides)
        for flag, key in _FLAGS.items():
            if getattr(arguments, flag) is not None:
                overrides.append(f"{key}={getattr(arguments, flag)}")
        spec = load_spec(arguments.experiment_spec, self.schema, overrides)
        results = open_results(spec, task.name)
        with recorded(results.status, self.title, task.name):
            importlib.import_module(task.module).run(spec, results)
        if is_main_process():
            logger.info("%s: done, the results are in %s", task.name, results.path)
        return 0

    def _parser(self, task: Task) -> argparse.ArgumentParser:
        sections = (*task.sections, "results_dir", "encryption_key")
        parser = Parser(
            prog=f"{self.name} {task.name}",
            usage=f"{self.name} {task.name} -e SPEC.yaml [section.option=value ...]",
            description=task.help,
            epilog="options of the spec (in the file, or as KEY=VALUE on the command line):\n"
            + help_text(self.schema, sections),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        parser.add_argument(
            "-e",
            "--experiment_spec",
            "--experiment_spec_file",
            required=True,
            help="the spec file (YAML)",
        )
        parser.add_argument("-r", "--results_dir", help="the same as results_dir=...")
        parser.add_argument("-k", "--key", help="the same as encryption_key=...")
        parser.add_argument("-v", "--verbose", action="store_true", help="log more, and tracebacks")
        parser.add_argument(
            "overrides", nargs="*", metavar="section.option=value", help="set an option of the spec"
        )
        return parser
