"""Defines a function that a file which it imports defines."""

from numbers_of_test import TIMES
from torch import Tensor


def many(x: Tensor) -> Tensor:
    """Returns x [n] TIMES times."""
    return x * TIMES
