"""What is done with gradients before an update, whichever the optimizer."""

import torch
from torch import Tensor


def clear(x: Tensor) -> None:
    """Sets x to 0."""
    x.zero_()


def norm(x: Tensor) -> Tensor:
    """Returns the L2 norm of x [n], as the norm of the norms of rows of it.

    PyTorch adds up all squares in float32 one after the other, where small ones are lost beside
    their sum: of 2^26 elements its norm is 0.5 % too small, of 2^29 9 %.
    """
    row = 65536
    rows = x.size(0) // row
    if rows == 0:
        return torch.linalg_vector_norm(x, 2)
    of_rows = torch.linalg_vector_norm(x[: rows * row].view(rows, row), 2, [1])
    of_rest = torch.linalg_vector_norm(x[rows * row :], 2)
    return torch.linalg_vector_norm(torch.cat([of_rows, of_rest.view(1)]), 2)
