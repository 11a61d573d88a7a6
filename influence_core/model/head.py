"""The paper's head: linear layers on pooled features."""

from __future__ import annotations

from torch import nn


def build_head(
    width_in: int, widths: tuple[int, ...], classes: int, dropout: float
) -> nn.Sequential:
    """Stack linear layers with ReLU and dropout between them: features (B, D) → logits (B, C)."""
    layers: list[nn.Module] = []
    for width in widths:
        layers += [nn.Linear(width_in, width), nn.ReLU(), nn.Dropout(dropout)]
        width_in = width
    return nn.Sequential(*layers, nn.Linear(width_in, classes))
