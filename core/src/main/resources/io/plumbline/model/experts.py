"""Mixtures of experts: feed-forward networks of which a router chooses some for each place."""

from typing import Dict, List, Optional

import torch
import torch.nn.functional as F
from torch import Tensor

from config import COMPUTE_DTYPE, EXPERTS_PER_TOKEN, WHOLE_SHARES
from projections import linear, scaled


def mixture(x: Tensor, router: Tensor, w: Dict[str, Tensor]) -> Tensor:
    """Computes the chosen experts of each place of x [n, hidden] and adds them up by their shares.

    The router, [experts, hidden], chooses in float32 whatever type multiplies: by another rounding
    it would choose other experts.
    """
    n = x.size(0)
    shares, chosen = torch.softmax(F.linear(x, router), -1).topk(EXPERTS_PER_TOKEN, -1)
    if WHOLE_SHARES:
        shares = shares / shares.sum(-1, keepdim=True)
    # Places by the expert that computes them. Each stands there once for each of its experts, so
    # that no sum depends on the order in which threads come to it.
    expert = chosen.view(-1)
    order = expert.argsort(stable=True)
    back = torch.empty_like(order)
    back.scatter_(0, order, torch.arange(order.size(0), device=x.device))
    repeated = x.to(COMPUTE_DTYPE).unsqueeze(1).expand(n, EXPERTS_PER_TOKEN, x.size(1))
    rows = repeated.reshape(-1, x.size(1)).index_select(0, order)
    counts: List[int] = expert.bincount(minlength=router.size(0)).tolist()
    y = torch.cat(by_expert(rows.split(counts), w), 0).index_select(0, back)
    return (y.view(n, EXPERTS_PER_TOKEN, -1) * shares.unsqueeze(-1)).sum(1)


def by_expert(rows: List[Tensor], w: Dict[str, Tensor]) -> List[Tensor]:
    """Computes each expert's rows [any, hidden] by its network; experts without rows do nothing."""
    experts = len(rows)
    gate_up = w["mlp.experts.gate_up_proj.weight"].chunk(experts)
    down = w["mlp.experts.down_proj.weight"].chunk(experts)
    gate_up_scales = scales_by_expert(w.get("mlp.experts.gate_up_proj.weight_scales"), experts)
    down_scales = scales_by_expert(w.get("mlp.experts.down_proj.weight_scales"), experts)
    found: List[Tensor] = []
    for i, own in enumerate(rows):
        if own.size(0) > 0:
            gate, up = linear(own, scaled(gate_up[i], gate_up_scales[i]), None).chunk(2, -1)
            found.append(linear(F.silu(gate) * up, scaled(down[i], down_scales[i]), None))
    return found


def scales_by_expert(scales: Optional[Tensor], experts: int) -> List[Optional[Tensor]]:
    """Returns each expert's part of the scales of all; None for each where there are none."""
    found: List[Optional[Tensor]] = []
    for i in range(experts):
        if scales is None:
            found.append(None)
        else:
            found.append(scales.chunk(experts)[i])
    return found
