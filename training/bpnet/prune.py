"""The task `prune`: leave out the filters with the smallest kernels.

Li et al., "Pruning Filters for Efficient ConvNets" (2017), with the options of TAO's pruning.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import torch
from torch.utils.flop_counter import FlopCounterMode

from converter import InputError
from training.bpnet.backbones import VggNoPooling
from training.bpnet.keras_weights import layer_name
from training.bpnet.model import BodyPoseNet, Branch, Stage
from training.bpnet.saved_model import ModelInfo

NORMALIZERS: Mapping[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "max": lambda norms: norms / norms.max(),
    "L2": lambda norms: norms / norms.norm(),
}
EQUALIZERS: Mapping[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "union": lambda norms: norms.max(dim=0).values,
    "intersection": lambda norms: norms.min(dim=0).values,
    "arithmetic_mean": lambda norms: norms.mean(dim=0),
    "geometric_mean": lambda norms: norms.log().mean(dim=0).exp(),
}


@dataclass(frozen=True)
class PruneOptions:
    """How to prune.

    Attributes:
        threshold: filters whose normalised norm does not exceed it go.
        normalizer: divide a layer's norms by their `max` or their `L2` norm.
        equalization: how layers that must keep the same channels agree: a channel stays if it
            stays in any (`union`) or all (`intersection`) of them, or by its mean norm.
        granularity: the number of channels kept is a multiple of it.
        min_filters: least number kept.
        excluded: layers to leave alone, by their names here or in TAO.
    """

    threshold: float = 0.1
    normalizer: str = "max"
    equalization: str = "union"
    granularity: int = 8
    min_filters: int = 16
    excluded: Sequence[str] = ()


@dataclass(frozen=True)
class ChannelGroup:
    """Channels that live or die together.

    Attributes:
        producers: layers that make them.
        consumers: layers that take them as the first of their inputs.
    """

    producers: tuple[str, ...]
    consumers: tuple[str, ...]


def prune(
    model: BodyPoseNet, info: ModelInfo, options: PruneOptions
) -> tuple[BodyPoseNet, ModelInfo]:
    """A narrower network with the weights that stay.

    The outputs are never pruned, nor is the backbone of EfficientNet-Lite0, whose residual and
    depthwise layers share their channels through whole stages.

    Raises:
        InputError: an excluded layer does not exist.
    """
    groups = channel_groups(model)
    excluded = _excluded(options.excluded, groups, model.num_stages)
    state = dict(model.state_dict())
    widths = dict(info.widths)
    for group in groups:
        if excluded.intersection(group.producers):
            continue
        count = len(state[f"{group.producers[0]}.conv.weight"])
        keep = _kept([state[f"{name}.conv.weight"] for name in group.producers], options)
        for name in group.producers:
            _take(state, name, keep)
            widths[name] = len(keep)
        for name in group.consumers:
            weight = state[f"{name}.conv.weight"]
            rest = torch.arange(count, weight.shape[1])  # maps of the stage before
            state[f"{name}.conv.weight"] = weight[:, torch.cat([keep, rest])]
    narrow = replace(info, widths=widths)
    pruned = narrow.build()
    pruned.load_state_dict(state)
    return pruned.eval(), narrow


def channel_groups(model: BodyPoseNet) -> list[ChannelGroup]:
    """What can be pruned, from the image to the last stage."""
    chain = []
    if isinstance(model.backbone, VggNoPooling):
        chain = [f"backbone.{name}" for name, _ in model.backbone.named_children()]
    stages = [f"stage{number}" for number in range(1, model.num_stages + 1)]
    groups = [ChannelGroup((name,), (after,)) for name, after in pairwise([*chain, "reduction"])]
    firsts = [f"{stage}.shared.0" for stage in stages]
    groups.append(ChannelGroup(("reduction",), tuple(firsts)))
    for name in stages:
        groups += _stage_groups(name, model.get_submodule(name))
    return groups


def _stage_groups(name: str, stage: torch.nn.Module) -> list[ChannelGroup]:
    if not isinstance(stage, Stage):
        raise TypeError(name)
    shared = [f"{name}.shared.{index}" for index in range(len(stage.shared))]
    hidden = (f"{name}.heatmap.hidden", f"{name}.paf.hidden")
    afters = [*((after,) for after in shared[1:]), hidden]
    groups = [ChannelGroup((one,), after) for one, after in zip(shared, afters, strict=True)]
    for kind in ("heatmap", "paf"):
        branch, base = stage.get_submodule(kind), f"{name}.{kind}"
        producers, consumers = [f"{base}.hidden"], [f"{base}.out"]
        if isinstance(branch, Branch) and branch.attention is not None:
            producers.append(f"{base}.attention")
            consumers.append(f"{base}.attention")
        groups.append(ChannelGroup(tuple(producers), tuple(consumers)))
    return groups


def _kept(weights: Sequence[torch.Tensor], options: PruneOptions) -> torch.Tensor:
    """Indices of the channels that stay, in order."""
    norms = [NORMALIZERS[options.normalizer](w.flatten(1).norm(dim=1)) for w in weights]
    scores = EQUALIZERS[options.equalization](torch.stack(norms))
    count = max(int((scores > options.threshold).sum()), options.min_filters)
    count = -(-count // options.granularity) * options.granularity
    best = scores.argsort(descending=True, stable=True)[: min(count, len(scores))]
    return best.sort().values


def _take(state: dict[str, torch.Tensor], name: str, keep: torch.Tensor) -> None:
    """Keep some outputs of a layer, with their biases and batch norms."""
    for key in [key for key in state if key.startswith(f"{name}.")]:
        if state[key].ndim:
            state[key] = state[key][keep]


def _excluded(names: Sequence[str], groups: Sequence[ChannelGroup], stages: int) -> set[str]:
    known = {name for group in groups for name in group.producers}
    chosen = set()
    for name in names:
        ours = name if name in known else layer_name(name, stages)
        if ours not in known:
            raise InputError(
                f"excluded layer {name!r} cannot be pruned anyway or does not exist; "
                f"layers are {', '.join(sorted(known))}"
            )
        chosen.add(ours)
    return chosen


def giga_macs(info: ModelInfo, height: int = 256, width: int = 256) -> float:
    """Billions of multiply-adds of one image."""
    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        info.build()(torch.empty(1, 3, height, width))
    return float(counter.get_total_flops() / 2e9)
