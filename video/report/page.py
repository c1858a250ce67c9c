"""Putting the page together: template, style, script, data and video in one file."""

from __future__ import annotations

import json
import os
from base64 import b64encode
from collections.abc import Iterator
from fractions import Fraction
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from converter.atomic import replacing
from converter.errors import InputError
from video.report.data import skeleton_data, timeline_data
from video.results.document import Document
from video.results.progress import show_progress
from video.results.targets import check_target
from video.results.timeline import even_times, timeline_of
from video.results.view import USUAL_RATE, USUAL_SIZE, Size, View

if TYPE_CHECKING:
    from video.overlay import Drawn

LARGEST_EMBEDDED = 20 << 20  # bytes of video; a larger one is linked
SCRIPTS = ("players.js", "report.js")
_PIECE = 3 << 18  # bytes read at a time; base64 takes three by three


def write_report(
    results: str | Path,
    output: str | Path,
    video: str | Path | None = None,
    *,
    overlay: Drawn | None = None,
    frame_size: Size | None = None,
    focal_length: float | None = None,
    rate: float | Fraction | None = None,
    source: str | None = None,
) -> Path | None:
    """Write the page.

    Args:
        results: A document with actions.
        output: The HTML file to write or replace.
        video: What the poses were found in; the overlay is drawn into it. None shows skeletons.
        overlay: An overlay of the same results that is there already.
        frame_size: (width, height) that the poses refer to, where it is not the video's.
        focal_length: In pixels, for poses that are 3D only.
        rate: Frames per second where there is no video; None is 30.
        source: Which source of the document; None is the first.

    Returns:
        The video that the page is linked to and that has to stay where it is; None if the page
        holds all it shows.

    Raises:
        InputError: The results or the video cannot be used.
    """
    results, output = Path(results), Path(output)
    drawn_in = overlay.path if overlay else None if video is None else Path(video)
    check_output(output, results, drawn_in)
    if not results.is_file():
        raise InputError(f"{results}: no such file")
    if overlay is None and video is None:
        document = Document(results, source)
        view = View.of(frame_size or USUAL_SIZE, frame_size, focal_length)
        _write(output, _without_video(document, view, float(rate or USUAL_RATE)), None)
        return None
    if overlay is not None:
        return _with_video(output, results, overlay, overlay.path)
    linked = output.with_name(f"{output.stem}_overlay.mp4")
    check_target(linked, results, drawn_in)
    from video.overlay import draw_overlay  # needs the extra `video`

    output.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=output.parent, prefix=f".{output.name}.") as folder:
        drawn = draw_overlay(
            results,
            Path(folder) / "overlay.mp4",
            video,
            frame_size=frame_size,
            focal_length=focal_length,
            source=source,
            strip=False,
        )
        return _with_video(output, results, drawn, linked)


def check_output(output: Path, *inputs: Path | None) -> None:
    """Find out what `write_report` would not write.

    Raises:
        InputError: The output is no HTML, no file, or would replace an input.
    """
    if output.suffix.lower() not in (".html", ".htm"):
        raise InputError(f"{output}: the report is a web page; let its name end in .html")
    check_target(output, *inputs)


def _without_video(document: Document, view: View, rate: float) -> dict[str, Any]:
    moments = show_progress(document.first_pass(), "reading", lambda: document.fraction)
    timeline = timeline_of(moments)
    first, times = timeline.first_frame, even_times(timeline, rate)
    moments = show_progress(document.second_pass(), "drawing", lambda: document.fraction)
    return {
        "title": document.path.name,
        "producer": document.producer,
        **timeline_data(timeline, times, first),
        "skeletons": skeleton_data(moments, timeline, view, first),
    }


def _with_video(output: Path, results: Path, drawn: Drawn, place: Path) -> Path | None:
    """Write the page around an overlay, which goes to `place` if it is too large to be embedded."""
    data = {
        "title": results.name,
        "producer": drawn.producer,
        **timeline_data(drawn.timeline, drawn.times, drawn.first_frame),
    }
    film: dict[str, Any] = {"size": list(drawn.size)}
    if drawn.path.stat().st_size <= LARGEST_EMBEDDED:
        _write(output, {**data, "video": film}, drawn.path)
        return None
    if place != drawn.path:
        drawn.path.replace(place)
    link = Path(os.path.relpath(place, output.parent)).as_posix()
    film["link"] = quote(os.fsencode(link))
    _write(output, {**data, "video": film}, None)
    return place


def _write(output: Path, data: dict[str, Any], video: Path | None) -> None:
    folder = files("video.report")
    parts = {
        "title": escape(str(data["title"])),
        "style": (folder / "report.css").read_text("utf-8"),
        "script": "".join((folder / name).read_text("utf-8") for name in SCRIPTS),
        # Names come from the document: nothing in them may end the script element.
        "data": json.dumps(data, separators=(",", ":")).replace("<", "\\u003c"),
    }
    template = (folder / "report.html").read_text("utf-8")
    before, _, after = template.partition("$video")
    with replacing(output) as page:
        # A file's name, here the title, need not be UTF-8.
        page.write(Template(before).substitute(parts).encode(errors="replace"))
        page.writelines(_base64(video) if video else ())
        page.write(Template(after).substitute(parts).encode())


def _base64(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            yield b64encode(piece)
