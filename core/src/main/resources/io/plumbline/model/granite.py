"""Granite: Llama whose attention and feed-forward are scaled where they join the stream."""

from typing import Dict, Optional

from torch import Tensor

from attention import stream_attention
from config import COMPUTE_DTYPE, RESIDUAL_SCALE
from parts import gated, rms_norm
from places import Places, kept_rows


def layer(x: Tensor, places: Places, cache: Optional[Tensor], w: Dict[str, Tensor]) -> Tensor:
    """Computes a layer of x [n, hidden]; returns [m, hidden], the places that are wanted.

    cache is None, or holds keys and values of earlier places and gets those of these.
    """
    x = kept_rows(x, places) + stream_attention(x, places, cache, w) * RESIDUAL_SCALE
    h = rms_norm(x, w["post_attention_layernorm.weight"]).to(COMPUTE_DTYPE)
    return x + gated(h, w) * RESIDUAL_SCALE


def final_norm(x: Tensor, weight: Tensor) -> Tensor:
    """Normalizes x [n, hidden] between the last layer and a head; weight is [hidden]."""
    return rms_norm(x, weight)
