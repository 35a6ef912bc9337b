"""Parts of which families make their layers."""

from typing import Dict, Optional

import torch
import torch.nn.functional as F
from torch import Tensor

from config import COMPUTE_DTYPE, RMS_NORM_EPS


def low(x: Tensor) -> Tensor:
    """Returns x in the type that multiplies: itself where that is its own."""
    return x.to(COMPUTE_DTYPE)


def project(x: Tensor, weight: Tensor, bias: Optional[Tensor]) -> Tensor:
    """Multiplies x [n, inputs] by a weight [outputs, inputs] and adds a bias [outputs], if any."""
    if bias is not None:
        bias = low(bias)
    return F.linear(x, low(weight), bias)


def rms_norm(x: Tensor, weight: Tensor) -> Tensor:
    """Divides x [..., width] by the root of its mean square; weight [width] multiplies it then."""
    return torch.rms_norm(x, weight.shape, weight, RMS_NORM_EPS)


def swiglu(x: Tensor, w: Dict[str, Tensor]) -> Tensor:
    """Computes the feed-forward network of x [n, hidden]: silu(gate) * up, projected down."""
    gate_up = project(x, w["mlp.gate_up_proj.weight"], w.get("mlp.gate_up_proj.bias"))
    gate, up = gate_up.chunk(2, -1)
    return project(F.silu(gate) * up, w["mlp.down_proj.weight"], w.get("mlp.down_proj.bias"))
