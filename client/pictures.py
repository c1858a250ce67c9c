"""The results as a video and as a page: `--overlay` and `--report`, drawn by `video`."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from client.inputs import Source
from converter import ConvertConfig, InputError

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Pictures:
    """What to draw of a document, if anything.

    Attributes:
        overlay: The video to write.
        report: The page to write.
        video: What the poses were found in; None draws on plain ground.
    """

    overlay: Path | None = None
    report: Path | None = None
    video: Path | None = None

    def __post_init__(self) -> None:
        if self.video and not self:
            raise InputError("--video is what to draw on: add --overlay or --report")

    def __bool__(self) -> bool:
        return self.overlay is not None or self.report is not None

    def check(self, sources: Sequence[Source]) -> None:
        """Find out what cannot be drawn before the server is asked for anything.

        Raises:
            InputError: It is not one document, the video is not there, or the extra is missing.
        """
        if not self:
            return
        if len(sources) != 1 or sources[0].is_array:
            raise InputError("--overlay and --report draw one document: name one .json file")
        if self.video and not self.video.is_file():
            raise InputError(f"--video {self.video}: no such video")
        if self.overlay or self.video:
            try:
                from video.overlay import check_paths
            except ImportError as error:
                raise InputError(
                    f"--overlay and --video need the extra `video` ({error.name} is missing): "
                    "install it with scripts/setup_env.sh video"
                ) from None
            if self.overlay:
                check_paths(sources[0].path, self.overlay, self.video)
        if self.report:
            from video.report import check_output

            check_output(self.report)

    def draw(
        self, document: Path, convert: ConvertConfig | None, rate: float | None = None
    ) -> None:
        """Draw a document that has actions.

        Args:
            document: The document.
            convert: Its camera, where the user has told of it.
            rate: Its frames a second, likewise; a video knows its own.

        Raises:
            InputError: It cannot be drawn.
        """
        camera = _camera(convert) | {"rate": rate}
        drawn = None
        if self.overlay:
            from video.overlay import draw_overlay

            drawn = draw_overlay(document, self.overlay, self.video, **camera)
            log.info("%s: %d frames", drawn.path, drawn.frames)
        if self.report:
            from video.report import write_report

            shown = drawn if self.video else None
            linked = write_report(document, self.report, self.video, overlay=shown, **camera)
            log.info("%s%s", self.report, f": plays {linked}" if linked else "")


def has_actions(document: Path) -> bool:
    """Tell whether a document is labelled already, by the first frame with persons."""
    from video.results.document import Document

    with closing(Document(document).first_pass()) as moments:
        people = next(moment.people for moment in moments if moment.people)
        return any(person.action is not None for person in people)


def _camera(convert: ConvertConfig | None) -> dict[str, Any]:
    if convert is None:
        return {}
    camera: dict[str, Any] = {"focal_length": convert.focal_length}
    if convert.pose_key == "pose25d":  # else nothing depends on the frame size, right or wrong
        camera["frame_size"] = convert.frame_size
    return camera
