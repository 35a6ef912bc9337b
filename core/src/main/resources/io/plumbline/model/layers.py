"""Passes through embedding and layers, forward and back.

The graph is cut before each layer: its input is a leaf of its own part of the graph.
"""

from typing import Dict, List, Optional

import torch
from torch import Tensor

from config import DROPOUT, EMBEDDING_SCALE, LEARNED_POSITIONS, PAD_TOKEN, VOCABULARY
from family import layer
from parts import embed
from places import Places, kept_places, kept_rows, packed_places
from projections import with_dropout

__all__ = ["embed", "kept_places", "packed_places"]


def layer_forward(x: Tensor, places: Places, keys: Tensor, w: Dict[str, Tensor]) -> Tensor:
    """Computes a layer of x [n, hidden]; returns [m, hidden], the places that are wanted.

    keys [n], int64, are those of the places where adapters leave out inputs; without any nothing is
    left out.
    """
    if DROPOUT > 0.0 and keys.size(0) > 0:
        w = with_dropout(w, keys, kept_rows(keys, places))
    return layer(x, places, None, w)


def layer_backward(
    y: Tensor, gy: Tensor, x: Tensor, w: Dict[str, Tensor], gradients: Dict[str, Tensor]
) -> Tensor:
    """Adds to the gradients of a layer's weights and returns the derivative by its input x.

    y is the layer's output and gy the derivative by it. Weights without a gradient are frozen.
    """
    outer: List[Optional[Tensor]] = [gy]
    found = torch.autograd.grad([y], [x] + [w[name] for name in gradients.keys()], outer)
    for i, name in enumerate(gradients.keys()):
        gradient = found[i + 1]
        assert gradient is not None
        gradients[name].add_(gradient)
    gx = found[0]
    assert gx is not None
    return gx


def input_backward(y: Tensor, gy: Tensor, x: Tensor) -> Tensor:
    """Does what layer_backward does for a layer whose weights are all frozen."""
    outer: List[Optional[Tensor]] = [gy]
    gx = torch.autograd.grad([y], [x], outer)[0]
    assert gx is not None
    return gx


def embed_backward(ids: Tensor, positions: Tensor, gx: Tensor, gradient: Tensor) -> None:
    """Adds to the gradient of the embedding.

    gx [n, hidden] is the derivative by the vectors of ids [n] at positions [n]. What reads a padding token teaches
    its embedding nothing, as in transformers.
    """
    learned = gx.masked_fill((ids == PAD_TOKEN).unsqueeze(1), 0.0)
    if EMBEDDING_SCALE != 1.0:
        learned = learned * EMBEDDING_SCALE
    gradient.index_add_(0, ids, learned)
    if LEARNED_POSITIONS > 0:
        gradient.index_add_(0, positions.long() + VOCABULARY, gx)


def cut(y: Tensor) -> Tensor:
    """Returns y as a leaf, the input of the next part of the graph."""
    return y.detach().requires_grad_(True)


def plus(x: Tensor, y: Tensor) -> Tensor:
    """Adds two derivatives by the same values."""
    return x + y
