"""Rotary positions."""

from typing import Tuple

import torch
from torch import Tensor

from config import HEAD_DIM
from parts import low


def angles(positions: Tensor, frequencies: Tensor) -> Tuple[Tensor, Tensor]:
    """Returns cos and sin of the angles of positions [n], [n, 1, HEAD_DIM] each, for rotate.

    frequencies are [HEAD_DIM / 2], in radians a position. The second half of a head has the angles
    of the first, and the first half of sin is negative.
    """
    turned = positions.unsqueeze(1) * frequencies.unsqueeze(0)
    cos = torch.cos(turned)
    sin = torch.sin(turned)
    return (
        low(torch.cat([cos, cos], -1).unsqueeze(1)),
        low(torch.cat([-sin, sin], -1).unsqueeze(1)),
    )


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotates x [n, heads, HEAD_DIM]: each element with the one half a head away."""
    return x * cos + x.roll(HEAD_DIM // 2, -1) * sin
