"""GPT-NeoX and Pythia: layer norms, partly rotated heads, attention beside the feed-forward."""

from typing import Dict, Optional, Tuple

import torch.nn.functional as F
from torch import Tensor

from attention import attend, rotate
from config import COMPUTE_DTYPE, HEAD_DIM, HEADS, PARALLEL_RESIDUAL
from parts import layer_norm, stacked_layer_norm
from places import Places, kept_rows
from projections import project


def layer(x: Tensor, places: Places, cache: Optional[Tensor], w: Dict[str, Tensor]) -> Tensor:
    """Computes a layer of x [n, hidden]; returns [m, hidden], the places that are wanted.

    cache is None, or holds keys and values of earlier places and gets those of these.
    """
    h = layer_norm(x, w["input_layernorm.weight"], w["input_layernorm.bias"]).to(COMPUTE_DTYPE)
    q, k, v = split_heads(project(h, w, "attention.query_key_value"), places)
    q, k = rotate(q, k, places)
    attended = project(attend(q, k, v, places, cache), w, "attention.dense")
    x = kept_rows(x, places)
    if PARALLEL_RESIDUAL:
        return x + attended + feed_forward(x, w)
    x = x + attended
    return x + feed_forward(x, w)


def split_heads(x: Tensor, places: Places) -> Tuple[Tensor, Tensor, Tensor]:
    """Returns queries of the places that are wanted, and keys and values, of x [n, 3 * hidden].

    In x the three of a head stand side by side.
    """
    q, k, v = x.view(-1, HEADS, 3 * HEAD_DIM).chunk(3, 2)
    return kept_rows(q, places), k, v


def feed_forward(x: Tensor, w: Dict[str, Tensor]) -> Tensor:
    """Normalizes x [n, hidden] and computes the feed-forward network of it."""
    h = layer_norm(x, w["post_attention_layernorm.weight"], w["post_attention_layernorm.bias"])
    h = h.to(COMPUTE_DTYPE)
    h = F.gelu(project(h, w, "mlp.dense_h_to_4h"))
    return project(h, w, "mlp.dense_4h_to_h")


def final_norm(x: Tensor, weight: Tensor) -> Tensor:
    """Normalizes x [n, hidden] between the last layer and a head.

    weight is [2 * hidden], the norm's weight and then its bias.
    """
    return stacked_layer_norm(x, weight)
