"""Stochastic gradient descent over flat tensors, as torch.optim.SGD."""

from torch import Tensor


def step(values: Tensor, gradients: Tensor, scale: float, lr: float, decay: float) -> None:
    """Makes one update of the values [n]; the gradients [n] are multiplied by scale and changed."""
    gradients.mul_(scale).add_(values, alpha=decay)
    values.add_(gradients, alpha=-lr)


def step_with_momentum(
    values: Tensor,
    gradients: Tensor,
    velocity: Tensor,
    scale: float,
    lr: float,
    decay: float,
    momentum: float,
    nesterov: bool,
) -> None:
    """Makes one update with a velocity [n]: the decaying sum of gradients."""
    gradients.mul_(scale).add_(values, alpha=decay)
    velocity.mul_(momentum).add_(gradients)
    if nesterov:
        gradients.add_(velocity, alpha=momentum)
        values.add_(gradients, alpha=-lr)
    else:
        values.add_(velocity, alpha=-lr)
