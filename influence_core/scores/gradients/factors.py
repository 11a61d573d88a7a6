"""Gradients of one parameter, example by example, kept as factors instead of written out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import torch
from torch import Tensor


@dataclass(frozen=True)
class Outer:
    """g = Σₜ leftₜ rightₜᵀ, of shape (M, N): left (B, T, M), right (B, T, N), float32."""

    left: Tensor
    right: Tensor

    def written_out(self, shape: torch.Size) -> Tensor:
        """Return g (B, M, N)."""
        return self.left.mT @ self.right


@dataclass(frozen=True)
class Lookup:
    """g[idsₜ] += rightₜ, of shape (M, N): ids (B, T), right (B, T, N): lefts are one-hot rows."""

    ids: Tensor
    right: Tensor

    def written_out(self, shape: torch.Size) -> Tensor:
        """Return g (B, M, N)."""
        table = torch.zeros(len(self.ids), *shape, device=self.right.device)
        places = self.ids.unsqueeze(2).expand_as(self.right)
        return table.scatter_add_(1, places, self.right)


@dataclass(frozen=True)
class Dense:
    """g itself (B, …): for vectors, and for what has no factors."""

    gradient: Tensor

    def written_out(self, shape: torch.Size) -> Tensor:
        """Return g (B, …)."""
        return self.gradient


Factor = Outer | Lookup | Dense


def squared_norm(parts: Sequence[Factor], shape: torch.Size) -> Tensor:
    """Return ‖Σ parts‖² of every example (B,), for a parameter of that shape.

    By Gram matrices over positions, ‖Σₜ lₜ rₜᵀ‖² = Σₜₛ (lₜ·lₛ)(rₜ·rₛ), cross terms between the
    uses of a shared parameter included ("ghost norms": Goodfellow, arXiv:1510.01799; Li et al.,
    arXiv:2110.05679). Where a text is so long that these are larger than the parameter, the sum
    is written out instead.
    """
    pairs = [part for part in parts if not isinstance(part, Dense)]
    positions = sum(part.right.shape[1] for part in pairs)
    if len(pairs) < len(parts) or positions**2 > shape.numel():
        whole = sum(part.written_out(shape) for part in parts)
        return torch.as_tensor(whole).flatten(1).square().sum(dim=1)
    alone = [_inner(part, part) for part in pairs]
    crossed = [2 * _inner(one, other) for one, other in combinations(pairs, 2)]
    return torch.stack([*alone, *crossed]).sum(dim=0)


def _inner(one: Outer | Lookup, other: Outer | Lookup) -> Tensor:
    return ((one.right @ other.right.mT) * _lefts(one, other)).sum(dim=(1, 2))


def _lefts(one: Outer | Lookup, other: Outer | Lookup) -> Tensor:
    """Return the inner products of all lefts of two factors (B, T of one, T of other)."""
    if isinstance(one, Lookup):
        if isinstance(other, Lookup):
            return one.ids.unsqueeze(2) == other.ids.unsqueeze(1)
        return _lefts(other, one).mT
    if isinstance(other, Outer):
        return one.left @ other.left.mT
    places = other.ids.unsqueeze(1).expand(-1, one.left.shape[1], -1)
    return one.left.gather(2, places)
