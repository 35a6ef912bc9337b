"""OLMoE: norms of all queries and all keys, bounds of them and of values, a mixture of experts."""

from typing import Dict, Optional

from torch import Tensor

from attention import attend, attention_output, queries_keys_values, rotate
from config import COMPUTE_DTYPE, QKV_BOUND
from experts import mixture
from parts import all_heads_norm, rms_norm
from places import Places, kept_rows


def layer(x: Tensor, places: Places, cache: Optional[Tensor], w: Dict[str, Tensor]) -> Tensor:
    """Computes a layer of x [n, hidden]; returns [m, hidden], the places that are wanted.

    cache is None, or holds keys and values of earlier places and gets those of these.
    """
    h = rms_norm(x, w["input_layernorm.weight"]).to(COMPUTE_DTYPE)
    q, k, v = queries_keys_values(h, places, w)
    q = bounded(all_heads_norm(q, w["self_attn.q_norm.weight"]))
    k = bounded(all_heads_norm(k, w["self_attn.k_norm.weight"]))
    q, k = rotate(q, k, places)
    attended = attend(q, k, bounded(v), places, cache)
    x = kept_rows(x, places) + attention_output(attended, w)
    h = rms_norm(x, w["post_attention_layernorm.weight"])
    return x + mixture(h, w["mlp.gate.weight"], w)


def bounded(x: Tensor) -> Tensor:
    """Clips x to QKV_BOUND on both sides of 0."""
    if QKV_BOUND > 0.0:
        return x.clamp(-QKV_BOUND, QKV_BOUND)
    return x


def final_norm(x: Tensor, weight: Tensor) -> Tensor:
    """Normalizes x [n, hidden] between the last layer and a head; weight is [hidden]."""
    return rms_norm(x, weight)
