"""Gemma 2 and 3: norms before and after attention and feed-forward, whose weights lack 1."""

from typing import Dict, Optional

from torch import Tensor

from attention import attend, attention_output, queries_keys_values, rotate
from config import COMPUTE_DTYPE, HEAD_NORMS
from parts import gated, rms_norm
from places import Places, kept_rows


def layer(x: Tensor, places: Places, cache: Optional[Tensor], w: Dict[str, Tensor]) -> Tensor:
    """Computes a layer of x [n, hidden]; returns [m, hidden], the places that are wanted.

    cache is None, or holds keys and values of earlier places and gets those of these.
    """
    h = norm(x, w["input_layernorm.weight"]).to(COMPUTE_DTYPE)
    q, k, v = queries_keys_values(h, places, w)
    if HEAD_NORMS:
        q = norm(q.float(), w["self_attn.q_norm.weight"]).to(COMPUTE_DTYPE)
        k = norm(k.float(), w["self_attn.k_norm.weight"]).to(COMPUTE_DTYPE)
    q, k = rotate(q, k, places)
    attended = attention_output(attend(q, k, v, places, cache), w)
    x = kept_rows(x, places) + norm(attended.float(), w["post_attention_layernorm.weight"])
    h = norm(x, w["pre_feedforward_layernorm.weight"]).to(COMPUTE_DTYPE)
    return x + norm(gated(h, w).float(), w["post_feedforward_layernorm.weight"])


def norm(x: Tensor, weight: Tensor) -> Tensor:
    """Divides x [..., width] by the root of its mean square; 1 + weight [width] multiplies it."""
    return rms_norm(x, 1.0 + weight)


def final_norm(x: Tensor, weight: Tensor) -> Tensor:
    """Normalizes x [n, hidden] between the last layer and a head; weight is [hidden]."""
    return norm(x, weight)
