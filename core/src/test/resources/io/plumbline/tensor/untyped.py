"""Has an argument without a type."""


def f(x) -> int:
    """Returns 1."""
    return 1
