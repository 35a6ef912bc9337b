"""Moments in bf16, which Java cannot read: how they are made, cut and copied."""

import torch
from torch import Tensor


def zeros_in_bf16(length: int, like: Tensor) -> Tensor:
    """Returns zeros [length] in bf16 on the device of another tensor."""
    return torch.zeros([length], dtype=torch.bfloat16, device=like.device)


def part(flat: Tensor, offset: int, length: int) -> Tensor:
    """Returns a part of flat [n], which shares its memory."""
    return flat[offset : offset + length]


def convert(x: Tensor, source: Tensor) -> None:
    """Copies the elements of source into x, of the same shape and perhaps another type."""
    x.copy_(source)
