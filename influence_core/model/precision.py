"""Where and in which number format a model runs."""

from __future__ import annotations

import torch

from influence_core.config import Precision


def pick_device() -> torch.device:
    """Return CUDA, else MPS, else the processor."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


def pick_dtype(precision: Precision, device: torch.device) -> torch.dtype:
    """Turn a setting into a type; 'auto' takes bfloat16 where the hardware is faster with it."""
    if precision == "fp32":
        return torch.float32
    if precision == "bf16":
        return torch.bfloat16
    return torch.bfloat16 if _prefers_bf16(device) else torch.float32


def _prefers_bf16(device: torch.device) -> bool:
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type == "cpu":
        # AVX-512 alone computes bfloat16 too, but a Xeon takes 1.8 times as long as with float32.
        return bool(torch.cpu._is_amx_tile_supported())
    return False
