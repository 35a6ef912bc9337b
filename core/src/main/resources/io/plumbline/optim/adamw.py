"""AdamW over flat tensors, by PyTorch's fused kernel."""

from typing import List

import torch
from torch import Tensor


def step(
    values: List[Tensor],
    gradients: List[Tensor],
    mean: List[Tensor],
    square: List[Tensor],
    count: Tensor,
    scale: Tensor,
    lr: float,
    beta1: float,
    beta2: float,
    decay: float,
    eps: float,
) -> None:
    """Makes one update of the values, which have gradients and two moments of the same shapes.

    count [1] is the number of this step, and the gradients are divided by scale [1].
    """
    torch._fused_adamw_(
        values,
        gradients,
        mean,
        square,
        [],
        [count for _ in values],
        lr=lr,
        beta1=beta1,
        beta2=beta2,
        weight_decay=decay,
        eps=eps,
        amsgrad=False,
        maximize=False,
        grad_scale=scale,
    )


def noise(length: int, seed: int, like: Tensor) -> Tensor:
    """Returns numbers [2, length] in [0, 1), multiples of 2^-16, on the device of another tensor.

    A hash of place and seed: all ranks have the same, and a resumed run has them again.
    """
    h = (torch.arange(length, device=like.device) + seed * 2654435769) & 4294967295
    for _ in range(2):
        h = (((h >> 16) ^ h) * 73244475) & 4294967295
    h = (h >> 16) ^ h
    return torch.stack([h & 65535, h >> 16]) / 65536


def rounded(x: Tensor, u: Tensor) -> Tensor:
    """Returns x with the 8 significant bits of bf16, rounded at random.

    x becomes one of the two neighbours that bf16 has, with the probabilities that make x the mean.
    u has numbers in [0, 1), multiples of 2^-16, one for each element of x.
    """
    mantissa, exponent = torch.frexp(x)
    # Of 0 over 0 too.
    power = (x / mantissa).nan_to_num_(0.0)
    return mantissa.mul_(256.0).add_(u).floor_().mul_(power).div_(256.0)


def step_in_bf16(
    values: Tensor,
    gradients: Tensor,
    mean: Tensor,
    square: Tensor,
    count: Tensor,
    scale: Tensor,
    lr: float,
    beta1: float,
    beta2: float,
    decay: float,
    eps: float,
    random: Tensor,
    first: int,
) -> None:
    """Makes one update as step does, of values [n] whose moments [n] are kept in bf16.

    A chunk at a time is made f32, by the same kernel, and rounded with the numbers of noise
    random [2, chunk]. first is the place of the values among all values.
    """
    chunk = random.size(1)
    for start in range(0, values.size(0), chunk):
        end = min(start + chunk, values.size(0))
        m = mean[start:end].float()
        v = square[start:end].float()
        step(
            [values[start:end]],
            [gradients[start:end]],
            [m],
            [v],
            count,
            scale,
            lr,
            beta1,
            beta2,
            decay,
            eps,
        )
        # Multiples of the golden ratio, so that chunks use the numbers in ways that differ.
        shift = int((first + start) * 0.6180339887498949 % 1.0 * 65536) / 65536
        u = (random[:, : end - start] + shift).frac_()
        mean[start:end].copy_(rounded(m, u[0]))
        square[start:end].copy_(rounded(v, u[1]))
