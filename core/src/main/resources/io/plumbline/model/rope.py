"""Rotary positions."""

from typing import Tuple

import torch
from torch import Tensor

from config import COMPUTE_DTYPE, HEAD_DIM, ROTARY_DIM


def angles(positions: Tensor, frequencies: Tensor, magnitude: Tensor) -> Tuple[Tensor, Tensor]:
    """Returns cos and sin of the angles of positions [n], [n, 1, ROTARY_DIM] each, for rotated.

    frequencies are [ROTARY_DIM / 2], in radians a position. The second half of what is rotated has
    the angles of the first, and the first half of sin is negative. magnitude [] multiplies both.
    """
    turned = positions.unsqueeze(1) * frequencies.unsqueeze(0)
    cos = torch.cos(turned) * magnitude
    sin = torch.sin(turned) * magnitude
    return (
        torch.cat([cos, cos], -1).unsqueeze(1).to(COMPUTE_DTYPE),
        torch.cat([-sin, sin], -1).unsqueeze(1).to(COMPUTE_DTYPE),
    )


def rotated(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Returns x [n, heads, HEAD_DIM], each element turned with the one that has the same angle."""
    if ROTARY_DIM == HEAD_DIM:
        return x * cos + x.roll(HEAD_DIM // 2, -1) * sin
    turned = x[..., :ROTARY_DIM]
    turned = turned * cos + turned.roll(ROTARY_DIM // 2, -1) * sin
    return torch.cat([turned, x[..., ROTARY_DIM:]], -1)
