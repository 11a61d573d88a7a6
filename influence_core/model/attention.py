"""Attention of a bfloat16 model in float32, on processors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_map

# In torch 2.13 the backward pass of bfloat16 attention on a processor with AMX takes 2 to 10 times
# as long as that in float32, casts included, for texts of 9 to 128 tokens. It was 42% of a trace.


def quick_attention(device: torch.device, dtype: torch.dtype) -> AbstractContextManager[Any]:
    """Put around the forward pass of a model that is differentiated, on `device` in `dtype`."""
    slow = device.type == "cpu" and dtype == torch.bfloat16
    return _Float32Attention() if slow else nullcontext()


class _Float32Attention(TorchFunctionMode):
    """Widens what attention is given and rounds what it gives: no less exact, no other kernel."""

    def __torch_function__(
        self,
        function: Callable[..., Any],
        types: Sequence[type],
        given: Sequence[Any] = (),
        named: Mapping[str, Any] | None = None,
    ) -> Any:
        named = named or {}
        if function is not scaled_dot_product_attention:
            return function(*given, **named)
        query = given[0] if given else named["query"]
        given, named = tree_map(_widened, (tuple(given), dict(named)))
        return function(*given, **named).to(query.dtype)


def _widened(item: Any) -> Any:
    return item.float() if isinstance(item, Tensor) and item.is_floating_point() else item
