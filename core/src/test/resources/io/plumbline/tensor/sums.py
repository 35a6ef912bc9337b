"""Kernels of KernelsTest."""

from typing import Dict, List, NamedTuple

import torch
import torch.nn.functional as F
from numbers_of_test import SHIFT, TIMES, many
from torch import Tensor


class Sums(NamedTuple):
    """Two sums."""

    plain: Tensor
    # TIMES of it, plus SHIFT.
    large_one: Tensor


def sums(
    x: Tensor,
    scale: float,
    times: int,
    squared: bool,
    name: str,
    weights: List[int],
) -> Sums:
    """Returns sums of x [n]."""
    total = x.sum() * scale * times
    if squared:
        total = total**2
    if name == "TIMES":
        total = total + TIMES
    for weight in weights:
        total = total + weight
    return Sums(plain=total, large_one=many(total) + SHIFT)


def named(w: Dict[str, Tensor], key: str) -> Tensor:
    """Returns the softmax of a tensor in the dictionary."""
    return F.softmax(w[key], -1)


def clear(x: Tensor) -> None:
    """Sets x to 0."""
    x.zero_()


def kind(x: Tensor) -> Tensor:
    """Returns x [n] in double precision, as one column."""
    return x.to(torch.float64).view(-1, 1)
