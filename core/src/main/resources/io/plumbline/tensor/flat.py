"""Views of flat tensors, and copies between devices."""

from typing import List

import torch
from torch import Tensor


def view_of(flat: Tensor, offset: int, shape: List[int], leaf: bool) -> Tensor:
    """Returns a part of flat [n] in a shape, which shares its memory; a leaf needs gradients."""
    n = 1
    for size in shape:
        n *= size
    return flat[offset : offset + n].view(shape).requires_grad_(leaf)


def moved(x: Tensor, device: str) -> Tensor:
    """Returns a copy of x on a device, or x itself where it is there."""
    return x.to(torch.device(device))


def zeros_on(length: int, device: str) -> Tensor:
    """Returns zeros [length] on a device."""
    return torch.zeros([length], device=torch.device(device))


def copy(x: Tensor, source: Tensor) -> None:
    """Copies the elements of source into x, of the same shape."""
    x.copy_(source)
