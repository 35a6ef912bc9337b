"""Generation with a cache of keys and values.

A cache is [2 * LAYERS, b, KV_HEADS, capacity, HEAD_DIM]: keys of a layer, then its values. Its b
sequences end at the same place; what stands before the start of one is padding, and masked.
"""

from math import inf
from typing import Dict, List, NamedTuple, Optional

import torch
from torch import Tensor

from config import COMPUTE_DTYPE, HEAD_DIM, KV_HEADS, LAYERS
from family import layer
from head import all_logits
from parts import embed
from places import Places, additive, within_window
from rope import angles


class Weights(NamedTuple):
    """A model's weights for many steps: matrices as they multiply, or as they are held."""

    # [VOCABULARY + LEARNED_POSITIONS, hidden], as it is held: it is only looked up.
    embedding: Tensor
    # [hidden]
    norm: Tensor
    # [vocabulary, hidden]
    head: Tensor
    layers: List[Dict[str, Tensor]]
    # Of each kind of layers: frequencies [kinds, 1 or 2, ROTARY_DIM / 2] and what multiplies cos
    # and sin [kinds], as in angles, and the window, as in packed_places.
    frequencies: Tensor
    magnitudes: Tensor
    windows: List[int]
    # The kind of each layer.
    kinds: List[int]


def step_weights(
    embedding: Tensor,
    norm: Tensor,
    head: Tensor,
    layers: List[Dict[str, Tensor]],
    frequencies: Tensor,
    magnitudes: Tensor,
    windows: List[int],
    kinds: List[int],
) -> Weights:
    """Returns weights whose matrices are cast once where they are float32.

    Others are held in fewer bytes, which a copy in a larger type would take back. A router's is not
    cast, which chooses in float32.
    """
    lowered: List[Dict[str, Tensor]] = []
    for w in layers:
        one: Dict[str, Tensor] = {}
        for name, weight in w.items():
            cast = weight.dim() == 2 and weight.dtype == torch.float32
            cast = cast and name != "mlp.gate.weight"
            one[name] = weight.to(COMPUTE_DTYPE) if cast else weight
        lowered.append(one)
    head = head.to(COMPUTE_DTYPE)
    return Weights(embedding, norm, head, lowered, frequencies, magnitudes, windows, kinds)


def new_cache(like: Tensor, b: int, capacity: int) -> Tensor:
    """Returns a cache of zeros on the device of another tensor."""
    shape = [2 * LAYERS, b, KV_HEADS, capacity, HEAD_DIM]
    return torch.zeros(shape, device=like.device).to(COMPUTE_DTYPE)


def grown_cache(cache: Tensor, capacity: int) -> Tensor:
    """Returns a cache of more capacity with the same places."""
    grown = new_cache(cache, cache.size(1), capacity)
    grown[:, :, :, : cache.size(3)] = cache
    return grown


def place_rows(
    cache: Tensor,
    at: int,
    end: int,
    source: Tensor,
    rows: List[int],
    source_end: int,
    lengths: List[int],
) -> None:
    """Copies rows of another cache into this one, from its row at on.

    Of each row as many places as lengths says, the last before source_end, to before end.
    """
    for i, row in enumerate(rows):
        n = lengths[i]
        cache[:, at + i, :, end - n : end] = source[:, row, :, source_end - n : source_end]


def selected_rows(x: Tensor, rows: Tensor) -> Tensor:
    """Returns some rows of x [b, any]."""
    return x.index_select(0, rows)


def prompt_mask(padding: Tensor, length: int) -> Tensor:
    """Returns the mask [b, 1, length, length] of prompts with so much padding [b] at their left.

    A place sees what stands before it, and no padding. Padding sees itself, so that no row sees
    nothing.
    """
    order = torch.arange(length, device=padding.device)
    real = order.unsqueeze(0) >= padding.unsqueeze(1)
    itself = order.unsqueeze(1) == order.unsqueeze(0)
    past = order.unsqueeze(1) >= order.unsqueeze(0)
    return additive((real.unsqueeze(1) & past) | itself)


def step_mask(padding: Tensor, length: int) -> Tensor:
    """Returns the mask [b, 1, 1, length] of one place behind all others: it sees no padding."""
    order = torch.arange(length, device=padding.device)
    return additive((order.unsqueeze(0) >= padding.unsqueeze(1)).unsqueeze(1))


def step(
    ids: Tensor,
    positions: Tensor,
    cache: Tensor,
    cached: int,
    mask: Tensor,
    w: Weights,
) -> Tensor:
    """Computes all layers for t new places of each sequence, and puts these into the cache.

    ids and positions are [b, t]; cached is how many places of each are in the cache. An empty mask
    stands for one that hides nothing before a place. Returns the logits [b, vocabulary] of each
    sequence's last place.
    """
    b, t = ids.size()
    hiding: Optional[Tensor] = None
    if mask.numel() > 0:
        hiding = mask
    places: List[Places] = []
    for kind, window in enumerate(w.windows):
        block = [0, b, t]
        frequencies = w.frequencies[kind]
        cos, sin = angles(positions.view(-1), frequencies, w.magnitudes[kind], block)
        seen = within_window(hiding, window, cached, t, ids)
        places.append(Places(cos, sin, cos, sin, None, block, [0], [seen], cached))
    x = embed(ids.view(-1), positions.view(-1), w.embedding)
    for i, one in enumerate(w.layers):
        x = layer(x, places[w.kinds[i]], cache[2 * i : 2 * i + 2], one)
    return all_logits(x.view(b, t, -1)[:, -1], w.norm, w.head)


class Picked(NamedTuple):
    """One token a row, and its log-probability over the whole vocabulary at the temperature."""

    # [b]
    tokens: Tensor
    # [b]
    logps: Tensor


def pick(
    logits: Tensor,
    seen: Tensor,
    u: Tensor,
    temperature: float,
    penalty: float,
    top_k: int,
    top_p: float,
    min_p: float,
) -> Picked:
    """Draws a token of each row of logits [b, vocabulary].

    The choice inverts the distribution's sum at u [b] (float64, in [0, 1)), after the penalty on
    the ids in seen [b, any] has bent it, and top-k, top-p and min-p have cut it.
    """
    if temperature == 0.0:
        token = penalized(logits, seen, penalty).argmax(-1, keepdim=True)
        logp = torch.log_softmax(logits, -1).gather(1, token)
        return Picked(token.squeeze(1), logp.squeeze(1))
    scaled = logits / temperature
    cut = penalized(scaled, seen, penalty)
    vocabulary = logits.size(-1)
    if top_k > 0 and top_k < vocabulary:
        best, _ = cut.topk(top_k, -1)
        cut = cut.masked_fill(cut < best[:, top_k - 1 :], -inf)
    if top_p < 1.0:
        ordered, order = cut.sort(-1, descending=True)
        share = torch.softmax(ordered, -1)
        before = share.cumsum(-1) - share
        removed = before >= top_p
        removed[:, 0] = False
        cut = cut.masked_fill(removed.scatter(1, order, removed), -inf)
    share = torch.softmax(cut, -1)
    if min_p > 0.0:
        least = share.amax(-1, keepdim=True) * min_p
        share = share.masked_fill(share < least, 0.0)
    total = share.double().cumsum(-1)
    wanted = u.unsqueeze(1) * total[:, -1:]
    token = torch.searchsorted(total, wanted, right=True).clamp(0, vocabulary - 1)
    logp = torch.log_softmax(scaled, -1).gather(1, token)
    return Picked(token.squeeze(1), logp.squeeze(1))


def penalized(logits: Tensor, seen: Tensor, penalty: float) -> Tensor:
    """Makes the ids in seen [b, any] less probable; leaves the logits alone where it is empty."""
    if seen.numel() == 0:
        return logits
    found = logits.gather(1, seen)
    lowered = torch.where(found < 0.0, found * penalty, found / penalty)
    return logits.scatter(1, seen, lowered)
