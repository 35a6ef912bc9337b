"""Attention of query heads over the keys and values that they share."""

from typing import Dict, List, Optional, Tuple

import torch
import torch.nn.functional as F
from torch import Tensor

from config import (
    ADAPTED,
    ATTENTION_SCALE,
    ATTENTION_SOFT_CAP,
    COMPUTE_DTYPE,
    FUSED_PROJECTIONS,
    HEAD_DIM,
    HEAD_NORMS,
    HEADS,
    KV_HEADS,
)
from parts import rms_norm
from places import Places, additive, kept_rows
from projections import linear, matrix, project, project_adapted
from rope import rotated


def stream_attention(
    x: Tensor, places: Places, cache: Optional[Tensor], w: Dict[str, Tensor]
) -> Tensor:
    """Computes attention of the normalized stream x [n, hidden], as in Llama's layer.

    Returns [m, hidden], of the places that are wanted; cache as in attend.
    """
    h = rms_norm(x, w["input_layernorm.weight"]).to(COMPUTE_DTYPE)
    q, k, v = queries_keys_values(h, places, w)
    if HEAD_NORMS:
        q = rms_norm(q.float(), w["self_attn.q_norm.weight"]).to(COMPUTE_DTYPE)
        k = rms_norm(k.float(), w["self_attn.k_norm.weight"]).to(COMPUTE_DTYPE)
    q, k = rotate(q, k, places)
    return attention_output(attend(q, k, v, places, cache), w)


def queries_keys_values(
    h: Tensor, places: Places, w: Dict[str, Tensor]
) -> Tuple[Tensor, Tensor, Tensor]:
    """Projects h [n, hidden] to heads.

    Returns queries of the places whose output is wanted, [m, HEADS, HEAD_DIM], and keys and values
    of all, [n, KV_HEADS, HEAD_DIM] each.
    """
    weight = matrix(w, "self_attn.qkv_proj.weight")
    bias = w.get("self_attn.qkv_proj.bias")
    kept = places.kept
    if kept is None or (ADAPTED and FUSED_PROJECTIONS):
        if ADAPTED:
            modules = ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"]
            widths = [HEADS * HEAD_DIM, KV_HEADS * HEAD_DIM, KV_HEADS * HEAD_DIM]
            if FUSED_PROJECTIONS:
                modules = ["self_attn.qkv_proj"]
                widths = [weight.size(0)]
            heads = project_adapted(h, weight, bias, modules, widths, w)
        else:
            heads = linear(h, weight, bias)
        heads = heads.view(-1, HEADS + 2 * KV_HEADS, HEAD_DIM)
        q, k, v = heads.split([HEADS, KV_HEADS, KV_HEADS], 1)
        return kept_rows(q, places), k, v
    width = HEADS * HEAD_DIM
    query_bias: Optional[Tensor] = None
    key_value_bias: Optional[Tensor] = None
    if bias is not None:
        query_bias = bias[:width]
        key_value_bias = bias[width:]
    wanted = h.index_select(0, kept)
    if ADAPTED:
        q = project_adapted(wanted, weight[:width], query_bias, ["self_attn.q_proj"], [width], w)
        modules = ["self_attn.k_proj", "self_attn.v_proj"]
        widths = [KV_HEADS * HEAD_DIM, KV_HEADS * HEAD_DIM]
        kv = project_adapted(h, weight[width:], key_value_bias, modules, widths, w)
    else:
        # Cast once: the two parts of a weight are one in backward.
        cast = weight.to(COMPUTE_DTYPE)
        q = linear(wanted, cast[:width], query_bias)
        kv = linear(h, cast[width:], key_value_bias)
    k, v = kv.view(-1, 2 * KV_HEADS, HEAD_DIM).chunk(2, 1)
    return q.view(-1, HEADS, HEAD_DIM), k, v


def rotate(q: Tensor, k: Tensor, places: Places) -> Tuple[Tensor, Tensor]:
    """Rotates queries and keys by the angles of their places; shapes stay as they are."""
    if places.kept is None:
        # Both at once: where there are few places, operators take longer to start than to run.
        both = rotated(torch.cat([q, k], 1), places.cos, places.sin)
        q, k = both.split([HEADS, KV_HEADS], 1)
        return q, k
    q = rotated(q, places.query_cos, places.query_sin)
    k = rotated(k, places.cos, places.sin)
    return q, k


def attention_output(attended: Tensor, w: Dict[str, Tensor]) -> Tensor:
    """Projects what attend returns to the stream: [m, hidden]."""
    return project(attended, w, "self_attn.o_proj")


def attend(q: Tensor, k: Tensor, v: Tensor, places: Places, cache: Optional[Tensor]) -> Tensor:
    """Lets the places of each sequence see each other; returns [m, HEADS * HEAD_DIM].

    q, k and v as queries_keys_values returns them. A cache is [2, b, KV_HEADS, capacity, HEAD_DIM],
    keys and then values: without one a sequence has no places but these. With one there is one
    block, whose keys and values go behind those that are cached.
    """
    if cache is not None:
        b = places.blocks[1]
        t = places.blocks[2]
        new = cache.narrow(3, places.cached, t)
        new[0].copy_(by_head(k, b))
        new[1].copy_(by_head(v, b))
        seen = cache.narrow(3, 0, places.cached + t)
        if t == 1:
            return one_query_attention(q, seen[0], seen[1], places.masks[0])
        a = grouped_attention(by_head(q, b), seen[0], seen[1], places.masks[0])
        return a.transpose(1, 2).reshape(b * t, HEADS * HEAD_DIM)
    found: List[Tensor] = []
    first = 0
    for i, mask in enumerate(places.masks):
        offset = places.blocks[3 * i]
        b = places.blocks[3 * i + 1]
        t = places.blocks[3 * i + 2]
        rows = b * (t - places.starts[i])
        queries = by_head(q[first : first + rows], b)
        keys = by_head(k[offset : offset + b * t], b)
        values = by_head(v[offset : offset + b * t], b)
        a = grouped_attention(queries, keys, values, mask)
        found.append(a.transpose(1, 2).reshape(rows, HEADS * HEAD_DIM))
        first += rows
    if len(found) == 1:
        return found[0]
    return torch.cat(found, 0)


def by_head(x: Tensor, b: int) -> Tensor:
    """Returns b sequences of heads, [b * t, heads, HEAD_DIM], as [b, heads, t, HEAD_DIM]."""
    return x.view(b, -1, x.size(1), HEAD_DIM).transpose(1, 2)


def grouped_attention(q: Tensor, k: Tensor, v: Tensor, mask: Optional[Tensor]) -> Tensor:
    """Computes attention of q [b, HEADS, rows, HEAD_DIM] over k and v [b, KV_HEADS, t, HEAD_DIM].

    Without a mask a place sees all before it. Returns the shape of q.
    """
    if ATTENTION_SOFT_CAP > 0.0:
        if mask is None:
            t = k.size(2)
            mask = additive(torch.ones([1, t, t], device=q.device).tril() > 0.0)
        return capped_attention(q, k, v, mask)
    return F.scaled_dot_product_attention(
        q,
        k,
        v,
        mask,
        is_causal=mask is None,
        scale=ATTENTION_SCALE,
        enable_gqa=HEADS != KV_HEADS,
    )


def one_query_attention(q: Tensor, k: Tensor, v: Tensor, mask: Optional[Tensor]) -> Tensor:
    """Computes attention of one place of each sequence over all of k and v.

    q is [b, HEADS, HEAD_DIM], k and v are [b, KV_HEADS, t, HEAD_DIM]. The query heads of a key head
    stand in for query places, so that keys and values need not be repeated. Returns
    [b, HEADS * HEAD_DIM].
    """
    if ATTENTION_SOFT_CAP > 0.0:
        a = capped_attention(q.unsqueeze(2), k, v, mask)
        return a.reshape(-1, HEADS * HEAD_DIM)
    folded = q.view(-1, KV_HEADS, HEADS // KV_HEADS, HEAD_DIM)
    a = F.scaled_dot_product_attention(folded, k, v, mask, scale=ATTENTION_SCALE)
    return a.reshape(-1, HEADS * HEAD_DIM)


def capped_attention(q: Tensor, k: Tensor, v: Tensor, mask: Optional[Tensor]) -> Tensor:
    """Does what grouped_attention does with scores that approach a bound before the softmax.

    Without a mask a place sees all of k and v.
    """
    keys = k.repeat_interleave(HEADS // KV_HEADS, 1)
    values = v.repeat_interleave(HEADS // KV_HEADS, 1)
    scores = (q @ keys.transpose(2, 3)).float() * ATTENTION_SCALE
    scores = torch.tanh(scores / ATTENTION_SOFT_CAP) * ATTENTION_SOFT_CAP
    if mask is not None:
        scores = scores + mask.float()
    return torch.softmax(scores, -1).to(COMPUTE_DTYPE) @ values
