"""Adafactor, as the Adafactor of transformers without relative steps and parameter scaling."""

from typing import List

import torch
from torch import Tensor


def apply(
    values: Tensor, update: Tensor, norm: Tensor, lr: float, decay: float, threshold: float
) -> None:
    """Subtracts an update of an L2 norm, its root mean square held to a threshold."""
    rms = norm / update.numel() ** 0.5
    values.mul_(1.0 - decay * lr)
    values.sub_(update.div_((rms / threshold).clamp_(min=1.0)).mul_(lr))


def step(
    values: Tensor,
    gradients: Tensor,
    square: Tensor,
    scale: float,
    lr: float,
    decay: float,
    beta2: float,
    eps: float,
    threshold: float,
) -> None:
    """Makes one update of values [n] with the mean square [n] of their gradients [n].

    The gradients are multiplied by scale, and changed.
    """
    gradients.mul_(scale)
    square.mul_(beta2).add_(gradients.square().add_(eps), alpha=1.0 - beta2)
    update = square.rsqrt().mul_(gradients)
    apply(values, update, torch.linalg_vector_norm(update, 2), lr, decay, threshold)


def factored_step(
    values: Tensor,
    gradients: Tensor,
    row: Tensor,
    column: Tensor,
    scale: float,
    lr: float,
    decay: float,
    beta2: float,
    eps: float,
    threshold: float,
    chunk: int,
) -> None:
    """Makes one update of values [n, m] with the mean squares row [n] and column [m].

    The gradients [n, m] are multiplied by scale, and changed. Only chunk rows at a time have room
    of their own beside values and gradients.
    """
    gradients.mul_(scale)
    n = gradients.size(0)
    row.mul_(beta2)
    column.mul_(beta2)
    for start in range(0, n, chunk):
        squares = gradients[start : start + chunk].square().add_(eps)
        row[start : start + chunk].add_(squares.mean(-1), alpha=1.0 - beta2)
        column.add_(squares.sum(0), alpha=(1.0 - beta2) / n)
    row_factor = (row / row.mean()).rsqrt_().unsqueeze(-1)
    column_factor = column.rsqrt()
    norms: List[Tensor] = []
    for start in range(0, n, chunk):
        part = gradients[start : start + chunk]
        part.mul_(row_factor[start : start + chunk]).mul_(column_factor)
        norms.append(torch.linalg_vector_norm(part, 2))
    norm = torch.linalg_vector_norm(torch.stack(norms), 2)
    apply(values, gradients, norm, lr, decay, threshold)
