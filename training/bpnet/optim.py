"""Learning-rate schedules and optimisers of the train spec."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Callable

import torch
from torch import nn

from converter import InputError
from training.bpnet.spec import (
    AdamW,
    ExponentialDecay,
    SoftstartAnnealing,
    TrainSpec,
)

_STAGE = re.compile(r"^stage(\d+)\.")


def learning_rate(
    schedule: SoftstartAnnealing | ExponentialDecay,
    total_steps: int,
    steps_per_epoch: int,
    world_size: int = 1,
) -> Callable[[int], float]:
    """The learning rate as a function of the step, from 0.

    The rate grows with the number of processes, whose batches add up (the linear rule of Goyal
    et al., 2017); the least rate does not.
    """
    if isinstance(schedule, ExponentialDecay):
        return _exponential(schedule, steps_per_epoch, world_size)
    return _softstart(schedule, schedule.last_step or total_steps, world_size)


def _softstart(schedule: SoftstartAnnealing, steps: int, world_size: int) -> Callable[[int], float]:
    low = math.log(schedule.min_learning_rate)
    high = math.log(schedule.base_learning_rate * world_size)

    def rate(step: int) -> float:
        progress = min(step / steps, 1)
        share = 1.0
        if progress < schedule.soft_start:
            share = progress / schedule.soft_start
        elif progress > schedule.annealing:
            share = (1 - progress) / (1 - schedule.annealing)
        return math.exp(low + share * (high - low))

    return rate


def _exponential(
    schedule: ExponentialDecay, steps_per_epoch: int, world_size: int
) -> Callable[[int], float]:
    def rate(step: int) -> float:
        periods = step / (schedule.decay_epochs * steps_per_epoch)
        if schedule.staircase:
            periods = math.floor(periods)
        decayed: float = schedule.learning_rate * world_size * schedule.decay_rate**periods
        return max(decayed, schedule.min_learning_rate)

    return rate


def gradient_weight(name: str, spec: TrainSpec) -> float:
    """The factor of a parameter's learning rate, by its name in the model."""
    weight = 1.0
    optimizer = spec.optimizer
    if not isinstance(optimizer, AdamW):
        named = (optimizer.grad_weights_dict or {}).items()
        weight = next((w for part, w in named if part in name), optimizer.weight_default_value)
    if spec.use_stagewise_lr_multipliers and ".norm." not in name:
        stage = _STAGE.match(name)
        weight *= 4 if stage and int(stage[1]) > 1 else 1
        weight *= 2 if name.endswith(".bias") else 1
    return weight


def build_optimizer(model: nn.Module, spec: TrainSpec) -> torch.optim.Optimizer:
    """The optimiser, with a group per gradient weight; `lr` is set by the schedule.

    Momentum is linear in the gradient, so weighting the learning rate is weighting the gradient.

    Raises:
        InputError: `grad_weights_dict` names what the network does not have.
    """
    _check_weights(model, spec)
    groups = defaultdict(list)
    for name, parameter in model.named_parameters():
        groups[gradient_weight(name, spec)].append(parameter)
    parameters = [{"params": group, "lr": weight} for weight, group in groups.items()]
    optimizer = spec.optimizer
    if isinstance(optimizer, AdamW):
        return torch.optim.AdamW(parameters, weight_decay=optimizer.weight_decay)
    return torch.optim.SGD(parameters, momentum=optimizer.momentum, nesterov=optimizer.use_nesterov)


def _check_weights(model: nn.Module, spec: TrainSpec) -> None:
    named = getattr(spec.optimizer, "grad_weights_dict", None) or {}
    names = [name for name, _ in model.named_parameters()]
    for part in named:
        if not any(part in name for name in names):
            raise InputError(
                f"optimizer.grad_weights_dict: no parameter's name has {part!r} in it; "
                f"names are like {names[0]} and {names[-1]}"
            )
