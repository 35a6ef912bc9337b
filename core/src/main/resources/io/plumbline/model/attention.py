"""Attention of query heads over the keys and values that they share."""

from typing import Dict, List, Optional, Tuple

import torch
import torch.nn.functional as F
from torch import Tensor

from config import HEAD_DIM, HEADS, KV_HEADS
from parts import low, project
from places import Places


def queries_keys_values(
    h: Tensor, places: Places, w: Dict[str, Tensor]
) -> Tuple[Tensor, Tensor, Tensor]:
    """Projects h [n, hidden] to heads.

    Returns queries of the places whose output is wanted, [m, HEADS, HEAD_DIM], and keys and values
    of all, [n, KV_HEADS, HEAD_DIM] each.
    """
    weight = w["self_attn.qkv_proj.weight"]
    bias = w.get("self_attn.qkv_proj.bias")
    kept = places.kept
    if kept is None:
        heads = project(h, weight, bias).view(-1, HEADS + 2 * KV_HEADS, HEAD_DIM)
        q, k, v = heads.split([HEADS, KV_HEADS, KV_HEADS], 1)
        return q, k, v
    width = HEADS * HEAD_DIM
    weight = low(weight)
    query_bias: Optional[Tensor] = None
    key_value_bias: Optional[Tensor] = None
    if bias is not None:
        query_bias = low(bias)[:width]
        key_value_bias = low(bias)[width:]
    q = F.linear(h.index_select(0, kept), weight[:width], query_bias).view(-1, HEADS, HEAD_DIM)
    kv = F.linear(h, weight[width:], key_value_bias).view(-1, 2 * KV_HEADS, HEAD_DIM)
    k, v = kv.chunk(2, 1)
    return q, k, v


def attend(q: Tensor, k: Tensor, v: Tensor, places: Places, cache: Optional[Tensor]) -> Tensor:
    """Lets the places of each sequence see each other; returns [m, HEADS * HEAD_DIM].

    q, k and v as queries_keys_values returns them. A cache is [2, b, KV_HEADS, capacity, HEAD_DIM],
    keys and then values: without one a sequence has no places but these.
    """
    if cache is None:
        return attend_packed(q, k, v, places)
    return attend_cached(q, k, v, places, cache)


def attend_packed(q: Tensor, k: Tensor, v: Tensor, places: Places) -> Tensor:
    """Does what attend does for blocks of whole sequences."""
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


def attend_cached(q: Tensor, k: Tensor, v: Tensor, places: Places, cache: Tensor) -> Tensor:
    """Does what attend does for one block, whose keys and values go into the cache."""
    b = places.blocks[1]
    t = places.blocks[2]
    keys = appended(cache[0], places.cached, by_head(k, b))
    values = appended(cache[1], places.cached, by_head(v, b))
    if t == 1:
        return one_query_attention(q, keys, values, places.masks[0])
    a = grouped_attention(by_head(q, b), keys, values, places.masks[0])
    return a.transpose(1, 2).reshape(b * t, HEADS * HEAD_DIM)


def by_head(x: Tensor, b: int) -> Tensor:
    """Returns b sequences of heads, [b * t, heads, HEAD_DIM], as [b, heads, t, HEAD_DIM]."""
    return x.view(b, -1, x.size(1), HEAD_DIM).transpose(1, 2)


def appended(cache: Tensor, cached: int, new: Tensor) -> Tensor:
    """Puts new [b, KV_HEADS, t, HEAD_DIM] behind the cached places of a cache; returns them all."""
    t = new.size(2)
    cache.narrow(2, cached, t).copy_(new)
    return cache.narrow(2, 0, cached + t)


def grouped_attention(q: Tensor, k: Tensor, v: Tensor, mask: Optional[Tensor]) -> Tensor:
    """Computes attention of q [b, HEADS, rows, HEAD_DIM] over k and v [b, KV_HEADS, t, HEAD_DIM].

    Without a mask a place sees all before it. Returns the shape of q.
    """
    return F.scaled_dot_product_attention(
        q, k, v, mask, is_causal=mask is None, enable_gqa=HEADS != KV_HEADS
    )


def one_query_attention(q: Tensor, k: Tensor, v: Tensor, mask: Optional[Tensor]) -> Tensor:
    """Computes attention of one place of each sequence over all of k and v.

    q is [b, HEADS, HEAD_DIM], k and v are [b, KV_HEADS, t, HEAD_DIM]. The query heads of a key head
    stand in for query places, so that keys and values need not be repeated. Returns
    [b, HEADS * HEAD_DIM].
    """
    folded = q.view(-1, KV_HEADS, HEADS // KV_HEADS, HEAD_DIM)
    a = F.scaled_dot_product_attention(folded, k, v, mask)
    return a.reshape(-1, HEADS * HEAD_DIM)
