"""The arithmetic of a training: what `train.precision` means on this machine."""

from __future__ import annotations

import logging
from typing import Any

import torch

from converter import InputError

logger = logging.getLogger(__name__)

_LIGHTNING: dict[int | str, Any] = {32: "32-true", "bf16": "bf16-mixed", "fp16": "16-mixed"}


def lightning_precision(wanted: int | str) -> Any:
    """Lightning's name for a precision.

    Args:
        wanted: ``train.precision`` of the spec; ``auto`` is bf16 where the GPU or the processor has
            instructions for it, elsewhere 32.

    Raises:
        InputError: The machine cannot train in it.
    """
    if wanted == "fp16" and not torch.cuda.is_available():
        raise InputError("train.precision fp16 needs a GPU; bf16, 32 and auto work on the CPU")
    if wanted == "auto":
        wanted = "bf16" if has_bf16() else 32
        logger.info("train.precision auto: %s on this machine", wanted)
    elif wanted == "bf16" and not has_bf16():
        logger.warning(
            "train.precision bf16: this machine has no instructions for it, so 32 is several times "
            "faster; auto chooses"
        )
    return _LIGHTNING[wanted]


def has_bf16() -> bool:
    """Whether bf16 is computed by instructions of its own: on the GPU, else on the processor."""
    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    able = torch.cpu.get_capabilities()
    return bool(able.get("amx_bf16") or able.get("avx512_bf16"))
