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
    """Turn a setting into a type; 'auto' takes bfloat16 where the hardware computes it."""
    if precision == "fp32":
        return torch.float32
    if precision == "bf16":
        return torch.bfloat16
    return torch.bfloat16 if _computes_bf16(device) else torch.float32


def _computes_bf16(device: torch.device) -> bool:
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type == "cpu":
        # The only question torch answers about bfloat16 on processors since 2.6.
        return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
    return False
