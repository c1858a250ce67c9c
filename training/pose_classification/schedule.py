"""How the learning rate changes over a run."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable

from torch.optim import SGD
from torch.optim.lr_scheduler import LambdaLR, ReduceLROnPlateau

from converter import InputError
from training.pose_classification.spec import OptimSpec


def rate_factor(optim: OptimSpec, steps_per_epoch: int, num_epochs: int) -> Callable[[int], float]:
    """The rate of a step, as a factor of ``lr``, for MultiStep and Cosine.

    Args:
        optim: The options.
        steps_per_epoch: Optimiser steps in an epoch.
        num_epochs: Epochs of the run.

    Returns:
        A function of the step, counted from 0. Both schedules begin with ``warmup_epochs`` of
        linear rise. Cosine falls with every step, to 0 after the last one.
    """
    warmup = optim.warmup_epochs * steps_per_epoch
    total = num_epochs * steps_per_epoch
    milestones = sorted(optim.lr_steps)

    def factor(step: int) -> float:
        if step < warmup:
            return (step + 1) / (warmup + 1)
        if optim.lr_scheduler == "Cosine":
            done = min((step - warmup) / max(total - warmup, 1), 1.0)
            return (1 + math.cos(math.pi * done)) / 2
        return optim.lr_decay ** bisect_right(milestones, step // steps_per_epoch)

    return factor


def make_scheduler(
    optimizer: SGD, optim: OptimSpec, steps_per_epoch: int, num_epochs: int
) -> LambdaLR | ReduceLROnPlateau:
    """The scheduler of a spec: LambdaLR is stepped every batch, ReduceLROnPlateau every epoch.

    Raises:
        InputError: AutoReduce would not lower the rate, or is asked for with warm-up: it sets the
            rate by itself.
    """
    if optim.lr_scheduler != "AutoReduce":
        return LambdaLR(optimizer, rate_factor(optim, steps_per_epoch, num_epochs))
    if optim.warmup_epochs:
        raise InputError("train.optim.warmup_epochs needs lr_scheduler MultiStep or Cosine")
    if optim.lr_decay >= 1:
        raise InputError(
            f"train.optim.lr_decay: {optim.lr_decay} is not allowed: AutoReduce needs less than 1"
        )
    return ReduceLROnPlateau(
        optimizer, factor=optim.lr_decay, patience=optim.patience, min_lr=optim.min_lr
    )
