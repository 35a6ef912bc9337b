"""Projections of a layer, and the low-rank adapters beside them.

LoRA (Hu et al., "LoRA", 2021, equation 3) adds s B A to a weight, without ever making that sum; DoRA
(Liu et al., "DoRA", 2024, equation 5) gives each row of the sum a length that is learned. A layer's
weights hold, for a module that is adapted, "<module>.lora_A" [rank, inputs], "<module>.lora_B"
[outputs, rank], "<module>.lora_scale" [], with DoRA "<module>.lora_magnitude_vector" [outputs], and
where dropout may leave out inputs "<module>.lora_key" [1], a number of the module's own.

Frozen weights may be in bf16, or in int8 with "<weight>_scales" beside them: matrix reads them.
"""

from typing import Dict, List, Optional

import torch
import torch.nn.functional as F
from torch import Tensor

from config import ADAPTED, COMPUTE_DTYPE, DORA, DROPOUT, SCALED_BLOCK, TRANSPOSED


def project(x: Tensor, w: Dict[str, Tensor], module: str) -> Tensor:
    """Multiplies x [n, inputs] by a module's weight and adds its bias [outputs], if any.

    The weight is [outputs, inputs], or, where matrices stand transposed, [inputs, outputs].
    """
    weight = matrix(w, module + ".weight")
    bias = w.get(module + ".bias")
    if ADAPTED:
        rows = weight.t() if TRANSPOSED else weight
        return project_adapted(x, rows, bias, [module], [rows.size(0)], w)
    if TRANSPOSED and bias is not None:
        return torch.addmm(bias.to(COMPUTE_DTYPE), x, weight.to(COMPUTE_DTYPE))
    return linear(x, weight, bias)


def matrix(w: Dict[str, Tensor], name: str) -> Tensor:
    """Returns a weight [rows, columns] in float32 or bf16.

    One in int8 is multiplied by its scales [rows, blocks, 1], in float32.
    """
    return scaled(w[name], w.get(name + "_scales"))


def scaled(weight: Tensor, scales: Optional[Tensor]) -> Tensor:
    """Returns a weight [rows, columns] times its scales [rows, blocks, 1], if it has any."""
    if scales is None:
        return weight
    rows, columns = weight.size()
    blocks = scales.size(1)
    if columns == blocks * SCALED_BLOCK:
        # In one copy: multiplying int8 by float32 would make two.
        values = weight.float().view(rows, blocks, SCALED_BLOCK)
        return values.mul_(scales).view(rows, columns)
    spread = scales.expand(rows, blocks, SCALED_BLOCK).reshape(rows, -1)
    return weight.float() * spread[:, :columns]


def linear(x: Tensor, weight: Tensor, bias: Optional[Tensor]) -> Tensor:
    """Multiplies x [n, inputs] by a weight [outputs, inputs] and adds a bias [outputs], if any."""
    if bias is not None:
        bias = bias.to(COMPUTE_DTYPE)
    return F.linear(x, weight.to(COMPUTE_DTYPE), bias)


def project_adapted(
    x: Tensor,
    weight: Tensor,
    bias: Optional[Tensor],
    modules: List[str],
    widths: List[int],
    w: Dict[str, Tensor],
) -> Tensor:
    """Does what linear does for modules whose weights stand one above the other, with adapters.

    widths are the outputs of each module.
    """
    added = adapters(x, modules, widths, w)
    if added is None:
        return linear(x, weight, bias)
    if not DORA:
        return linear(x, weight, bias) + added
    scale = lengths(weight, modules, widths, w)
    y = linear(x, weight, None)
    if DROPOUT > 0.0 and "dropout.keys" in w:
        # What is left out is so for the weight too, as far as DoRA changes it (PEFT's DoraLayer).
        y = y + dropped_bases(x, weight, modules, widths, w) * (scale - 1.0) + added * scale
    else:
        y = (y + added) * scale
    if bias is not None:
        y = y + bias.to(COMPUTE_DTYPE)
    return y


def adapters(
    x: Tensor, modules: List[str], widths: List[int], w: Dict[str, Tensor]
) -> Optional[Tensor]:
    """Returns what the modules' adapters add to x's projection, [n, outputs], or None."""
    parts: List[Tensor] = []
    found = False
    for i, module in enumerate(modules):
        a = w.get(module + ".lora_A")
        if a is None:
            zeros = torch.zeros([1, 1], device=x.device).to(COMPUTE_DTYPE)
            parts.append(zeros.expand(x.size(0), widths[i]))
        else:
            found = True
            low = F.linear(dropped(x, module, w), a.to(COMPUTE_DTYPE))
            low = low * w[module + ".lora_scale"].to(COMPUTE_DTYPE)
            parts.append(F.linear(low, w[module + ".lora_B"].to(COMPUTE_DTYPE)))
    if not found:
        return None
    if len(parts) == 1:
        return parts[0]
    return torch.cat(parts, -1)


def with_dropout(w: Dict[str, Tensor], keys: Tensor, kept_keys: Tensor) -> Dict[str, Tensor]:
    """Returns a layer's weights with what its adapters need to leave out inputs.

    keys [n] are of all places, kept_keys [m] of those whose output is wanted.
    """
    more = w.copy()
    more["dropout.keys"] = keys
    more["dropout.kept_keys"] = kept_keys
    return more


def dropped(x: Tensor, module: str, w: Dict[str, Tensor]) -> Tensor:
    """Returns x [n, inputs] with elements that are 0 at random, and the others larger for it.

    Which ones is decided by 16 bits an element of SplitMix64 (Steele, Lea and Flood, 2014) over the
    keys of place and module, so that it depends on nothing else.
    """
    key = w.get(module + ".lora_key")
    if DROPOUT == 0.0 or key is None or "dropout.keys" not in w:
        return x
    keys = w["dropout.keys"]
    if keys.size(0) != x.size(0):
        keys = w["dropout.kept_keys"]
    inputs = x.size(1)
    columns = torch.arange((inputs + 3) // 4, device=x.device)
    # 0x9e3779b97f4a7c15, 0xbf58476d1ce4e5b9 and 0x94d049bb133111eb as signed numbers.
    z = (keys.unsqueeze(1) + key) + columns * -7046029254386353131
    z = (z ^ shifted(z, 30)) * -4658895280553007687
    z = (z ^ shifted(z, 27)) * -7723592293110705685
    z = z ^ shifted(z, 31)
    least = int(round(DROPOUT * 65536.0))
    parts = [(z >> by).bitwise_and_(65535) < least for by in [0, 16, 32, 48]]
    left_out = torch.cat(parts, -1)[:, :inputs]
    return x.masked_fill(left_out, 0.0) * (1.0 / (1.0 - DROPOUT))


def shifted(z: Tensor, by: int) -> Tensor:
    """Shifts the bits of int64 to the right, with zeros behind them."""
    return (z >> by).bitwise_and_((1 << (64 - by)) - 1)


def dropped_bases(
    x: Tensor, weight: Tensor, modules: List[str], widths: List[int], w: Dict[str, Tensor]
) -> Tensor:
    """Multiplies by each module's weight what its adapter reads of x: [n, outputs]."""
    parts: List[Tensor] = []
    first = 0
    for i, module in enumerate(modules):
        rows = weight[first : first + widths[i]]
        parts.append(linear(dropped(x, module, w), rows, None))
        first += widths[i]
    return torch.cat(parts, -1)


def lengths(
    weight: Tensor, modules: List[str], widths: List[int], w: Dict[str, Tensor]
) -> Tensor:
    """Returns what DoRA multiplies each output by: the length its row learns over the one it has.

    The row's own length is not differentiated (DoRA, section 4.3).
    """
    parts: List[Tensor] = []
    first = 0
    for i, module in enumerate(modules):
        magnitude = w.get(module + ".lora_magnitude_vector")
        if magnitude is None:
            parts.append(torch.ones([widths[i]], device=weight.device))
        else:
            a = w[module + ".lora_A"].detach()
            b = w[module + ".lora_B"].detach()
            rows = weight[first : first + widths[i]].float()
            rows = rows + (b @ a) * w[module + ".lora_scale"]
            parts.append(magnitude / torch.norm(rows, 2, [1]))
        first += widths[i]
    return torch.cat(parts, 0).to(COMPUTE_DTYPE)
