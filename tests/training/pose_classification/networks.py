"""Small networks for tests, with statistics and weights that make every part count."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from training.pose_classification.build import build_model
from training.pose_classification.spec import ModelSpec


def small_model(num_classes: int = 6, seed: int = 0, **options: object) -> nn.Module:
    """A narrow network in evaluation mode; biases and batch norms are not at their defaults."""
    torch.manual_seed(seed)
    spec = ModelSpec.model_validate({"base_channels": 8, **options})
    model = build_model(spec, num_classes)
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)):
                module.running_mean.normal_(0, 0.3)
                module.running_var.uniform_(0.3, 1.5)
                module.weight.uniform_(0.5, 1.5)
                module.bias.normal_(0, 0.3)
        for name, parameter in model.named_parameters():
            if name.startswith("edge_importance") or name.endswith(".A"):
                parameter.add_(torch.rand_like(parameter) * 0.3)
            elif name.endswith(".refinement"):
                parameter.fill_(0.1)
    return model.eval()


def clip(frames: int, persons: int = 1, joints: int = 34, batch: int = 2, seed: int = 1) -> Tensor:
    """Random poses (batch, 3, frames, joints, persons)."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(batch, 3, frames, joints, persons, generator=generator)


def padded(x: Tensor, frames: int) -> Tensor:
    """The same clip with zeros behind."""
    return nn.functional.pad(x, (0, 0, 0, 0, 0, frames - x.shape[2]))
