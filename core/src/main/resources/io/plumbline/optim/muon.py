"""Muon for matrices: momentum, made orthogonal by Newton-Schulz iterations."""

import torch
from torch import Tensor

COMPUTE_DTYPE: torch.dtype = torch.float32


def orthogonal(x: Tensor, iterations: int) -> Tensor:
    """Returns a matrix near the orthogonal one that is nearest to x [n, m], in f32.

    Its singular values lie around 1, between about 0.7 and 1.2. The quintic iteration and its
    coefficients are Keller Jordan's.
    """
    tall = x.size(0) > x.size(1)
    y = (x.t() if tall else x).to(COMPUTE_DTYPE)
    y = y / (y.norm() + 1e-7)
    for _ in range(iterations):
        a = y @ y.t()
        b = -4.7750 * a + 2.0315 * (a @ a)
        y = 3.4445 * y + b @ y
    return (y.t() if tall else y).float()


def step(
    values: Tensor,
    gradients: Tensor,
    mean: Tensor,
    scale: float,
    lr: float,
    decay: float,
    momentum: float,
    iterations: int,
) -> None:
    """Makes one update of values [n, m] with the decaying mean [n, m] of their gradients [n, m].

    The gradients are multiplied by scale, and changed. The update has the root mean square of one
    of AdamW, about 0.2, so that one learning rate serves both.
    """
    gradients.mul_(scale)
    mean.lerp_(gradients, 1.0 - momentum)
    # Nesterov's momentum.
    gradients.lerp_(mean, momentum)
    rms = 0.2 * max(values.size(0), values.size(1)) ** 0.5
    values.mul_(1.0 - lr * decay)
    values.add_(orthogonal(gradients, iterations), alpha=-lr * rms)
