"""Constants of sums.py, and a function that it uses."""

from torch import Tensor

# How often a value is counted.
TIMES: int = 2
SHIFT: float = 0.5


def many(x: Tensor) -> Tensor:
    """Returns x [n] TIMES times; a text such as "TIMES many(" stays as it is."""
    return x * TIMES
