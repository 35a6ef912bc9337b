"""The places of a micro-batch, and which of them see which.

The n places of a micro-batch lie one after the other: x is [n, hidden]. They form blocks, one after
the other: a block of b sequences of t places takes b * t of them, with padding at the end of those
sequences that are shorter.
"""

from math import inf
from typing import List, NamedTuple, Optional

import torch
from torch import Tensor

from config import COMPUTE_DTYPE
from rope import angles


class Places(NamedTuple):
    """What a layer knows of the n places of its input, and of the m whose output is wanted."""

    # Of all places: [n, 1, HEAD_DIM] each.
    cos: Tensor
    sin: Tensor
    # Of those whose output is wanted: [m, 1, HEAD_DIM] each.
    query_cos: Tensor
    query_sin: Tensor
    # Those whose output is wanted, [m]; None for all.
    kept: Optional[Tensor]
    # Offset, b and t of each block, one block after the other.
    blocks: List[int]
    # Of each block the first of the t places whose output is wanted.
    starts: List[int]
    # What is added to each block's attention: [b or 1, 1, t - start, t], or to all t that stand in
    # a cache. None where a place sees all before it.
    masks: List[Optional[Tensor]]
    # Places of each sequence that stand in the cache already.
    cached: int


def packed_places(
    positions: Tensor,
    frequencies: Tensor,
    magnitude: Tensor,
    window: int,
    parts: Tensor,
    blocks: List[int],
    plain: List[int],
) -> Places:
    """Returns the places of a micro-batch, all of them wanted, for one kind of layers.

    positions are [n]; frequencies and magnitude as in angles. parts [n] are 0 in a prompt, a
    completion's number in it, -1 in padding. plain says of each block whether (1) its sequences have
    one completion each. A place sees the window of positions that ends with its own, or with a
    window of 0 all before it.
    """
    cos, sin = angles(positions, frequencies, magnitude, blocks)
    starts = [0 for _ in plain]
    masks = block_masks(positions, window, parts, blocks, plain, starts)
    return Places(cos, sin, cos, sin, None, blocks, starts, masks, 0)


def kept_places(
    places: Places,
    positions: Tensor,
    window: int,
    parts: Tensor,
    plain: List[int],
    starts: List[int],
    kept: Tensor,
) -> Places:
    """Returns the places of which only those are wanted that kept [m] names.

    These are in each block the places from its start on. The rest as in
    packed_places.
    """
    masks = block_masks(positions, window, parts, places.blocks, plain, starts)
    query_cos = places.cos.index_select(0, kept)
    query_sin = places.sin.index_select(0, kept)
    return Places(
        places.cos, places.sin, query_cos, query_sin, kept, places.blocks, starts, masks, 0
    )


def kept_rows(x: Tensor, places: Places) -> Tensor:
    """Returns the rows of x [n, any] whose output is wanted: [m, any]."""
    kept = places.kept
    if kept is None:
        return x
    return x.index_select(0, kept)


def block_masks(
    positions: Tensor,
    window: int,
    parts: Tensor,
    blocks: List[int],
    plain: List[int],
    starts: List[int],
) -> List[Optional[Tensor]]:
    """Returns of each block who sees whom: [b or 1, 1, t - start, t], 0 or -inf.

    A place sees what stands before it, within its window, and belongs to the prompt or to its own
    completion. Padding is a part of its own, so that no row sees nothing. None where all that stands
    before is seen.
    """
    masks: List[Optional[Tensor]] = []
    for i, start in enumerate(starts):
        offset = blocks[3 * i]
        b = blocks[3 * i + 1]
        t = blocks[3 * i + 2]
        near = window == 0 or t <= window
        if plain[i] == 1 and start == 0 and near:
            masks.append(None)
        else:
            order = torch.arange(t, device=parts.device)
            seen = (order[start:].unsqueeze(1) >= order.unsqueeze(0)).unsqueeze(0)
            if plain[i] == 0:
                part = parts[offset : offset + b * t].view(b, t)
                own = part[:, start:].unsqueeze(2) == part.unsqueeze(1)
                prompt = (part == 0).unsqueeze(1)
                seen = (own | prompt) & seen
            if not near:
                place = positions[offset : offset + b * t].view(b, t)
                seen = (place[:, start:].unsqueeze(2) - place.unsqueeze(1) < window) & seen
            masks.append(additive(seen))
    return masks


def within_window(
    mask: Optional[Tensor], window: int, cached: int, t: int, like: Tensor
) -> Optional[Tensor]:
    """Hides what t places behind cached ones see beyond their window; with a window of 0 nothing.

    mask as in Places, for one block; a new one is on the device of another tensor.
    """
    length = cached + t
    if window == 0 or length <= window:
        return mask
    order = torch.arange(length, device=like.device)
    back = order[cached:].unsqueeze(1) - order.unsqueeze(0)
    if mask is None:
        return additive(((back >= 0) & (back < window)).unsqueeze(0))
    return mask.masked_fill(back >= window, -inf)


def additive(seen: Tensor) -> Tensor:
    """Returns the mask [b, 1, rows, t] that is 0 where seen [b, rows, t] and -inf elsewhere."""
    mask = torch.zeros(seen.shape, device=seen.device).masked_fill(~seen, -inf)
    return mask.unsqueeze(1).to(COMPUTE_DTYPE)
