"""What is done with gradients before an update, whichever the optimizer."""

import torch
from torch import Tensor


def clear(x: Tensor) -> None:
    """Sets x to 0."""
    x.zero_()


def norm(x: Tensor) -> Tensor:
    """Returns the L2 norm of x."""
    return torch.linalg_vector_norm(x, 2)
