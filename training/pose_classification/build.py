"""From a spec's `model` section to a network."""

from __future__ import annotations

import torch

from training.pose_classification.ctrgcn import CTRGCN
from training.pose_classification.graph import build_graph, load_layout
from training.pose_classification.spec import ModelSpec
from training.pose_classification.stgcn import STGCN
from training.pose_classification.stgcnpp import STGCNPlusPlus

MODELS: dict[str, type[STGCN] | type[STGCNPlusPlus]] = {
    "ST-GCN": STGCN,
    "ST-GCN++": STGCNPlusPlus,
    "CTR-GCN": CTRGCN,
}


def build_model(spec: ModelSpec, num_classes: int) -> STGCN | STGCNPlusPlus:
    """Build a network with fresh weights.

    Args:
        spec: the section `model`.
        num_classes: number of classes.

    Returns:
        A module from (N, C, T, V, M) float32 to (N, num_classes) logits.

    Raises:
        InputError: the layout cannot be loaded.
    """
    graph = build_graph(load_layout(spec.graph_layout), spec.graph_strategy)
    return MODELS[spec.model_type](
        torch.from_numpy(graph),
        in_channels=spec.input_channels,
        num_classes=num_classes,
        dropout=spec.dropout,
        edge_importance=spec.edge_importance_weighting,
        padding=spec.padding,
        base_channels=spec.base_channels,
        fit_picture=spec.fit_picture,
    )
