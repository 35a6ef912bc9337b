"""Qwen 3 with experts: Qwen 3 with a mixture as feed-forward network of its layers, or of some."""

from typing import Dict, Optional

from torch import Tensor

from attention import stream_attention
from config import COMPUTE_DTYPE
from experts import mixture
from parts import gated, rms_norm
from places import Places, kept_rows


def layer(x: Tensor, places: Places, cache: Optional[Tensor], w: Dict[str, Tensor]) -> Tensor:
    """Computes a layer of x [n, hidden]; returns [m, hidden], the places that are wanted.

    cache is None, or holds keys and values of earlier places and gets those of these.
    """
    x = kept_rows(x, places) + stream_attention(x, places, cache, w)
    h = rms_norm(x, w["post_attention_layernorm.weight"])
    router = w.get("mlp.gate.weight")
    if router is None:
        return x + gated(h.to(COMPUTE_DTYPE), w)
    return x + mixture(h, router, w)


def final_norm(x: Tensor, weight: Tensor) -> Tensor:
    """Normalizes x [n, hidden] between the last layer and a head; weight is [hidden]."""
    return rms_norm(x, weight)
