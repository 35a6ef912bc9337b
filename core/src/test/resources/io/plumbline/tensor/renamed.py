"""Gives an import another name."""

from numbers_of_test import many as few
from torch import Tensor


def f(x: Tensor) -> Tensor:
    """Returns x [n] a few times."""
    return few(x)
