"""Llama, Mistral, Qwen 2: RMS norm before attention and feed-forward, rotary positions, SwiGLU."""

from typing import Dict, Optional

import torch
from torch import Tensor

from attention import attend, queries_keys_values
from parts import low, project, rms_norm, swiglu
from places import Places, kept_rows
from rope import rotate


def embed(ids: Tensor, weight: Tensor) -> Tensor:
    """Returns the vectors [n, hidden] of ids [n]; weight is [vocabulary, hidden]."""
    return torch.embedding(weight, ids)


def layer(x: Tensor, places: Places, cache: Optional[Tensor], w: Dict[str, Tensor]) -> Tensor:
    """Computes a layer of x [n, hidden]; returns [m, hidden], the places that are wanted.

    cache is None, or holds keys and values of earlier places and gets those of these.
    """
    h = low(rms_norm(x, w["input_layernorm.weight"]))
    q, k, v = queries_keys_values(h, places, w)
    q = rotate(q, places.query_cos, places.query_sin)
    k = rotate(k, places.cos, places.sin)
    attended = attend(q, k, v, places, cache)
    attended = project(attended, w["self_attn.o_proj.weight"], w.get("self_attn.o_proj.bias"))
    x = kept_rows(x, places) + attended
    h = low(rms_norm(x, w["post_attention_layernorm.weight"]))
    return x + swiglu(h, w)


def final_norm(x: Tensor, weight: Tensor) -> Tensor:
    """Normalizes x [n, hidden] between the last layer and a head; weight is [hidden]."""
    return rms_norm(x, weight)
