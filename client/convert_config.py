"""NVIDIA's `dataset_convert_config`: how tracks of a document are cut and normalised."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import yaml

from converter import ConvertConfig, InputError


def load_convert_config(
    path: Path | None, max_gap: int | None = None, frame_rate: float | None = None
) -> ConvertConfig:
    """Read the YAML file.

    Args:
        path: The file; None or an empty one gives the defaults.
        max_gap: Where given, stands for the file's.
        frame_rate: Likewise.

    Raises:
        InputError: Not readable, not YAML, or a key or value the converter does not know.
    """
    config = ConvertConfig()
    if path is not None:
        try:
            mapping = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise InputError(f"{path}: cannot be read: {' '.join(str(error).split())}") from error
        if mapping is not None:  # there is more than comments
            config = ConvertConfig.from_mapping(mapping, source=str(path))
    if max_gap is not None:
        config = replace(config, max_gap=max_gap)
    if frame_rate is not None:
        config = replace(config, frame_rate=frame_rate)
    return config
