"""Heads: what reads the output of the last layer.

Logits are [m, vocabulary], too large to be made at once: they are made by chunks of rows.
"""

from typing import List, NamedTuple, Optional

import torch
import torch.nn.functional as F
from torch import Tensor

from config import COMPUTE_DTYPE, LOGITS_SCALE, LOGITS_SOFT_CAP
from family import final_norm


class TokenResults(NamedTuple):
    """What the token head says of m targets; each [m], and empty unless asked for.

    The distribution p is the softmax of logits / temperature.
    """

    # log p of each target, and the log of the softmax's denominator; always there.
    logps: Tensor
    denominators: Tensor
    # -sum p log p.
    entropies: Tensor
    # 1 where the target is the most probable token, and else 0.
    hits: Tensor
    # The mean of the undivided logits.
    mean_logits: Tensor
    # log sum p^2.
    log_squares: Tensor
    # The divided logits, [m, vocabulary], where they are kept for backward.
    logits: Tensor


def token_head(
    x: Tensor,
    predictors: Tensor,
    targets: Tensor,
    norm_weight: Tensor,
    weight: Tensor,
    temperature: float,
    chunk: int,
    keep_logits: bool,
    with_entropies: bool,
    with_hits: bool,
    with_mean_logits: bool,
    with_log_squares: bool,
) -> TokenResults:
    """Computes log-probabilities and more of the targets [m] at the places that predict them.

    x is [n, hidden], predictors [m] are places in it, weight is [vocabulary, hidden], chunk a
    number of rows.
    """
    h = final_norm(x.index_select(0, predictors), norm_weight).to(COMPUTE_DTYPE)
    w = weight.to(COMPUTE_DTYPE)
    m = h.size(0)
    logps = torch.empty([m], device=x.device)
    denominators = torch.empty([m], device=x.device)
    entropies = torch.empty([m if with_entropies else 0], device=x.device)
    hits = torch.empty([m if with_hits else 0], device=x.device)
    log_squares = torch.empty([m if with_log_squares else 0], device=x.device)
    mean_logits = torch.empty([0], device=x.device)
    if with_mean_logits and LOGITS_SOFT_CAP > 0.0:
        mean_logits = torch.empty([m], device=x.device)
    elif with_mean_logits:
        # The mean over the vocabulary of h . w_v is h . the mean of w_v.
        mean_logits = h.float() @ weight.mean(0, dtype=torch.float32) * LOGITS_SCALE
    kept: List[Tensor] = []
    for i in range((m + chunk - 1) // chunk):
        start = i * chunk
        end = min(start + chunk, m)
        target = targets[start:end].unsqueeze(1)
        logits = logits_of(h[start:end], w)
        if with_mean_logits and LOGITS_SOFT_CAP > 0.0:
            mean_logits[start:end] = logits.mean(-1)
        if with_hits:
            # Before the division, whose rounding could make two logits equal.
            hits[start:end] = (logits.argmax(-1, keepdim=True) == target).squeeze(1)
        if temperature != 1.0:
            logits.div_(temperature)
        denominator = logits.logsumexp(-1)
        denominators[start:end] = denominator
        logps[start:end] = logits.gather(1, target).squeeze(1) - denominator
        if with_entropies:
            p = torch.softmax(logits, -1)
            entropies[start:end] = denominator - p.mul_(logits).sum(-1)
        if with_log_squares:
            log_squares[start:end] = (logits * 2.0).logsumexp(-1) - denominator * 2.0
        if keep_logits:
            kept.append(logits)
    all_logits = torch.empty([0], device=x.device)
    if keep_logits:
        all_logits = torch.cat(kept, 0)
    return TokenResults(logps, denominators, entropies, hits, mean_logits, log_squares, all_logits)


def token_head_backward(
    by_logp: Tensor,
    by_entropy: Tensor,
    x: Tensor,
    predictors: Tensor,
    targets: Tensor,
    denominators: Tensor,
    kept_logits: Tensor,
    norm_weight: Tensor,
    weight: Tensor,
    temperature: float,
    chunk: int,
    norm_gradient: Tensor,
    weight_gradient: Tensor,
) -> Tensor:
    """Adds to the gradients of norm and head and returns the derivative by x.

    The derivatives by each logp, g, and by each entropy H, g', are [m]; by_entropy is empty where
    there are none. By the divided logits the derivative is g (onehot - p) - g' p (log p + H).
    kept_logits are those of token_head, or empty: they are made again then. An empty gradient is that
    of a frozen weight.
    """
    selected = x.index_select(0, predictors).detach().requires_grad_(True)
    scale = norm_weight.detach().requires_grad_(True)
    h = final_norm(selected, scale).to(COMPUTE_DTYPE)
    w = weight.detach().to(COMPUTE_DTYPE)
    m = h.size(0)
    gh = torch.empty_like(h.detach())
    # By the undivided logits all of it is over the temperature: a cheaper division here than there.
    g = (by_logp / temperature).unsqueeze(1)
    g_entropy = (by_entropy / temperature).unsqueeze(1)
    for i in range((m + chunk - 1) // chunk):
        start = i * chunk
        end = min(start + chunk, m)
        rows = h.detach()[start:end]
        if kept_logits.numel() > 0:
            logits = kept_logits[start:end]
        else:
            logits = logits_of(rows, w)
            if temperature != 1.0:
                logits.div_(temperature)
        gr = g[start:end]
        log_p = logits - denominators[start:end].unsqueeze(1)
        if by_entropy.numel() == 0:
            by_logits = log_p.exp_().mul_(-gr)
        else:
            ge = g_entropy[start:end]
            p = log_p.exp()
            p_log_p = log_p.mul_(p)
            minus_entropy = p_log_p.sum(-1, keepdim=True)
            by_logits = p.mul_(ge * minus_entropy - gr).sub_(p_log_p.mul_(ge))
        by_logits.scatter_add_(1, targets[start:end].unsqueeze(1), gr)
        if LOGITS_SOFT_CAP > 0.0:
            # The derivative of the bound: 1 - tanh^2.
            by_logits.mul_(1.0 - (logits * (temperature / LOGITS_SOFT_CAP)).square())
        if LOGITS_SCALE != 1.0:
            by_logits.mul_(LOGITS_SCALE)
        by_logits = by_logits.to(COMPUTE_DTYPE)
        gh[start:end] = by_logits @ w
        if weight_gradient.numel() == 0:
            continue
        if by_logits.dtype == weight_gradient.dtype:
            weight_gradient.addmm_(by_logits.t(), rows)
        else:
            weight_gradient.add_(by_logits.t() @ rows)
    outer: List[Optional[Tensor]] = [gh]
    found = torch.autograd.grad([h], [selected, scale], outer)
    by_selected = found[0]
    by_scale = found[1]
    assert by_selected is not None
    assert by_scale is not None
    if norm_gradient.numel() > 0:
        norm_gradient.add_(by_scale)
    return torch.zeros_like(x).index_add_(0, predictors, by_selected)


def scores(x: Tensor, places: Tensor, norm_weight: Tensor, weight: Tensor) -> Tensor:
    """Returns one number at each of these places [m] of x, in float32 throughout.

    weight is [1, hidden].
    """
    return F.linear(final_norm(x.index_select(0, places), norm_weight), weight).squeeze(1)


def scores_backward(
    by_score: Tensor,
    x: Tensor,
    places: Tensor,
    norm_weight: Tensor,
    weight: Tensor,
    norm_gradient: Tensor,
    weight_gradient: Tensor,
) -> Tensor:
    """Adds to the gradients of norm and head and returns the derivative by x.

    by_score [m] is the derivative by each score. An empty gradient is that of a frozen weight.
    """
    leaf = x.detach().requires_grad_(True)
    scale = norm_weight.detach().requires_grad_(True)
    head = weight.detach().requires_grad_(True)
    outer: List[Optional[Tensor]] = [by_score]
    found = torch.autograd.grad([scores(leaf, places, scale, head)], [leaf, scale, head], outer)
    by_x = found[0]
    by_scale = found[1]
    by_head = found[2]
    assert by_x is not None
    assert by_scale is not None
    assert by_head is not None
    if norm_gradient.numel() > 0:
        norm_gradient.add_(by_scale)
    if weight_gradient.numel() > 0:
        weight_gradient.add_(by_head)
    return by_x


def all_logits(x: Tensor, norm_weight: Tensor, weight: Tensor) -> Tensor:
    """Returns the logits [n, vocabulary] of every place of x [n, hidden]."""
    h = final_norm(x, norm_weight).to(COMPUTE_DTYPE)
    return logits_of(h, weight.to(COMPUTE_DTYPE))


def logits_of(h: Tensor, weight: Tensor) -> Tensor:
    """Returns the logits [n, vocabulary] of normalized places h [n, hidden], in float32."""
    logits = F.linear(h, weight).float()
    if LOGITS_SCALE != 1.0:
        logits = logits * LOGITS_SCALE
    if LOGITS_SOFT_CAP > 0.0:
        logits = torch.tanh(logits / LOGITS_SOFT_CAP) * LOGITS_SOFT_CAP
    return logits
