"""Every command in the README and the docs runs, and every link leads somewhere.

A fence opened with ```bash is run, against a live Triton with the shipped weights where it names a
server. A word behind `bash` says why it is not run here: it then has to parse, and what it starts
has to exist.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from scripts.embedded_triton import EmbeddedTriton

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), ROOT / "samples" / "README.md"]
FENCE = re.compile(r"^```bash *(\w*)\n(.*?)^```", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\(([^)#\s]*)(?:#([^)\s]*))?\)")
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)

RUN_ELSEWHERE = {"docs/client.md": "tests/server/test_client_docs.py"}
NOT_RUN = {
    "setup": "installs; CI itself is the run",
    "server": "stays in the foreground; tests/scripts starts it",
    "gpu": "needs a GPU",
    "docker": "needs a Docker engine",
    "data": "needs research data that may not ship, or takes long",
}


@dataclass(frozen=True)
class Block:
    page: Path
    number: int
    kind: str
    text: str

    @property
    def commands(self) -> list[list[str]]:
        lines = self.text.replace("\\\n", " ").splitlines()
        return [
            shlex.split(line, comments=True) for line in lines if shlex.split(line, comments=True)
        ]

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}-{self.number}"


def blocks() -> Iterator[Block]:
    for page in PAGES:
        if str(page.relative_to(ROOT)) in RUN_ELSEWHERE:
            continue
        for number, (kind, text) in enumerate(FENCE.findall(page.read_text()), 1):
            yield Block(page, number, kind, text)


BLOCKS = list(blocks())


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that looks like the checkout but keeps what commands write to itself."""
    folder = tmp_path_factory.mktemp("checkout")
    for path in ROOT.iterdir():
        if path.name not in {"outputs", "results", "scripts", ".git", ".venv"}:
            (folder / path.name).symlink_to(path)
    shutil.copytree(ROOT / "scripts", folder / "scripts")  # they follow links to where they are
    (folder / ".venv").symlink_to(sys.prefix)
    return folder


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedTriton]:
    with EmbeddedTriton(ROOT / "model_repository") as triton:
        yield triton


def on_free_ports(text: str, server: EmbeddedTriton) -> str:
    text = re.sub(r"(localhost|127\.0\.0\.1):8000", server.http_url, text)
    return re.sub(r"(localhost|127\.0\.0\.1):8001", server.grpc_url, text)


@pytest.mark.parametrize("block", [b for b in BLOCKS if not b.kind], ids=str)
def test_a_command_runs(block: Block, checkout: Path, request: pytest.FixtureRequest) -> None:
    text = block.text
    if ":8000" in text or ":8001" in text:
        text = on_free_ports(text, request.getfixturevalue("server"))
    path = f"{sys.prefix}/bin:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", text],
        cwd=checkout,
        env=os.environ | {"VENV": sys.prefix, "PATH": path},
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"


@pytest.mark.parametrize("block", [b for b in BLOCKS if b.kind], ids=str)
def test_a_command_that_is_not_run_here_exists(block: Block, checkout: Path) -> None:
    assert block.kind in NOT_RUN
    subprocess.run(["bash", "-n", "-c", block.text], check=True)
    for command in block.commands:
        words = [word for word in command if "=" not in word.split("/")[0] or word.startswith("-")]
        program = words[0]
        if "-m" in words and program.endswith("python"):
            module = words[words.index("-m") + 1].replace(".", "/")
            assert (ROOT / f"{module}.py").exists() or (ROOT / module / "__main__.py").exists(), (
                words
            )
        elif program.endswith("python"):
            assert (ROOT / words[1]).exists(), words
        elif "/" in program and not program.startswith(".venv/"):
            assert os.access(ROOT / program, os.X_OK), words


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for link, anchor in LINK.findall(page.read_text()):
        if "://" not in link:
            target = page.parent / link if link else page
            assert target.exists(), link
            assert not anchor or anchor in anchors(target), f"{link}#{anchor}"


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives to the headings of a page."""
    headings = HEADING.findall(page.read_text())
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_there_is_something_to_run() -> None:
    assert sum(not block.kind for block in BLOCKS) > 5
