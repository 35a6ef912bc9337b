"""OLMo 2 and 3: norms after attention and feed-forward, and of all queries and all keys."""

from typing import Dict, Optional

from torch import Tensor

from attention import attend, attention_output, queries_keys_values, rotate
from config import COMPUTE_DTYPE
from parts import all_heads_norm, gated, rms_norm
from places import Places, kept_rows


def layer(x: Tensor, places: Places, cache: Optional[Tensor], w: Dict[str, Tensor]) -> Tensor:
    """Computes a layer of x [n, hidden]; returns [m, hidden], the places that are wanted.

    cache is None, or holds keys and values of earlier places and gets those of these.
    """
    q, k, v = queries_keys_values(x.to(COMPUTE_DTYPE), places, w)
    q = all_heads_norm(q, w["self_attn.q_norm.weight"])
    k = all_heads_norm(k, w["self_attn.k_norm.weight"])
    q, k = rotate(q, k, places)
    attended = attention_output(attend(q, k, v, places, cache), w)
    x = kept_rows(x, places) + rms_norm(attended.float(), w["post_attention_layernorm.weight"])
    h = gated(x.to(COMPUTE_DTYPE), w)
    return x + rms_norm(h.float(), w["post_feedforward_layernorm.weight"])


def final_norm(x: Tensor, weight: Tensor) -> Tensor:
    """Normalizes x [n, hidden] between the last layer and a head; weight is [hidden]."""
    return rms_norm(x, weight)
