"""GPT-2: layer norms, learned positions in the embedding, matrices that stand transposed."""

from typing import Dict, Optional, Tuple

import torch.nn.functional as F
from torch import Tensor

from attention import attend
from config import COMPUTE_DTYPE, HEAD_DIM, HEADS
from parts import layer_norm, stacked_layer_norm
from places import Places, kept_rows
from projections import project


def layer(x: Tensor, places: Places, cache: Optional[Tensor], w: Dict[str, Tensor]) -> Tensor:
    """Computes a layer of x [n, hidden]; returns [m, hidden], the places that are wanted.

    cache is None, or holds keys and values of earlier places and gets those of these.
    """
    h = layer_norm(x, w["ln_1.weight"], w["ln_1.bias"]).to(COMPUTE_DTYPE)
    q, k, v = split_heads(project(h, w, "attn.c_attn"), places)
    attended = attend(q, k, v, places, cache)
    x = kept_rows(x, places) + project(attended, w, "attn.c_proj")
    h = layer_norm(x, w["ln_2.weight"], w["ln_2.bias"]).to(COMPUTE_DTYPE)
    h = F.gelu(project(h, w, "mlp.c_fc"), approximate="tanh")
    return x + project(h, w, "mlp.c_proj")


def split_heads(x: Tensor, places: Places) -> Tuple[Tensor, Tensor, Tensor]:
    """Returns queries of the places that are wanted, and keys and values, of x [n, 3 * hidden]."""
    q, k, v = x.view(-1, 3 * HEADS, HEAD_DIM).chunk(3, 1)
    return kept_rows(q, places), k, v


def final_norm(x: Tensor, weight: Tensor) -> Tensor:
    """Normalizes x [n, hidden] between the last layer and a head.

    weight is [2 * hidden], the norm's weight and then its bias.
    """
    return stacked_layer_norm(x, weight)
