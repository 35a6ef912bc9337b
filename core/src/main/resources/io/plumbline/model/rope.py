"""Rotary positions."""

from typing import List, Tuple

import torch
from torch import Tensor

from config import COMPUTE_DTYPE, HEAD_DIM, ORIGINAL_POSITIONS, ROTARY_DIM


def angles(
    positions: Tensor, frequencies: Tensor, magnitude: Tensor, blocks: List[int]
) -> Tuple[Tensor, Tensor]:
    """Returns cos and sin of the angles of positions [n], [n, 1, ROTARY_DIM] each, for rotated.

    frequencies are [1, ROTARY_DIM / 2], in radians a position, or [2, ROTARY_DIM / 2], those of
    sequences within ORIGINAL_POSITIONS and those of longer ones; blocks as in Places. The second
    half of what is rotated has the angles of the first, and the first half of sin is negative.
    magnitude [] multiplies both.
    """
    if frequencies.size(0) > 1:
        frequencies = frequencies.index_select(0, beyond_original(positions, blocks))
    turned = positions.unsqueeze(1) * frequencies
    cos = torch.cos(turned) * magnitude
    sin = torch.sin(turned) * magnitude
    return (
        torch.cat([cos, cos], -1).unsqueeze(1).to(COMPUTE_DTYPE),
        torch.cat([-sin, sin], -1).unsqueeze(1).to(COMPUTE_DTYPE),
    )


def beyond_original(positions: Tensor, blocks: List[int]) -> Tensor:
    """Returns of each position [n] 1 where its sequence is beyond ORIGINAL_POSITIONS, and else 0.

    All places of a sequence are rotated as its last one needs it, as in transformers.
    """
    found: List[Tensor] = []
    for i in range(len(blocks) // 3):
        b = blocks[3 * i + 1]
        t = blocks[3 * i + 2]
        sequences = positions.narrow(0, blocks[3 * i], b * t).view(b, t)
        beyond = sequences.amax([1], True) >= ORIGINAL_POSITIONS
        found.append(beyond.long().expand(b, t).reshape(-1))
    return torch.cat(found, 0)


def rotated(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Returns x [n, heads, HEAD_DIM], each element turned with the one that has the same angle."""
    if ROTARY_DIM == HEAD_DIM:
        return x * cos + x.roll(HEAD_DIM // 2, -1) * sin
    turned = x[..., :ROTARY_DIM]
    turned = turned * cos + turned.roll(ROTARY_DIM // 2, -1) * sin
    return torch.cat([turned, x[..., ROTARY_DIM:]], -1)
