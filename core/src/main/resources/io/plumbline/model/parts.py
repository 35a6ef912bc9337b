"""Parts of which families make their layers."""

from typing import Dict, Optional

import torch
import torch.nn.functional as F
from torch import Tensor

from config import (
    COMPUTE_DTYPE,
    EMBEDDING_SCALE,
    GELU_GATE,
    LEARNED_POSITIONS,
    NORM_EPS,
    VOCABULARY,
)


def embed(ids: Tensor, positions: Tensor, weight: Tensor) -> Tensor:
    """Returns the vectors [n, hidden] of ids [n] at positions [n].

    weight is [VOCABULARY + LEARNED_POSITIONS, hidden].
    """
    vectors = torch.embedding(weight, ids)
    if EMBEDDING_SCALE != 1.0:
        vectors = vectors * EMBEDDING_SCALE
    if LEARNED_POSITIONS > 0:
        vectors = vectors + torch.embedding(weight, positions.long() + VOCABULARY)
    return vectors


def project(x: Tensor, weight: Tensor, bias: Optional[Tensor]) -> Tensor:
    """Multiplies x [n, inputs] by a weight [outputs, inputs] and adds a bias [outputs], if any."""
    if bias is not None:
        bias = bias.to(COMPUTE_DTYPE)
    return F.linear(x, weight.to(COMPUTE_DTYPE), bias)


def rms_norm(x: Tensor, weight: Tensor) -> Tensor:
    """Divides x [..., width] by the root of its mean square; weight [width] multiplies it then."""
    return torch.rms_norm(x, weight.shape, weight, NORM_EPS)


def layer_norm(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Brings x [..., width] to mean 0 and variance 1; weight and bias [width] are applied then."""
    return torch.layer_norm(x, weight.shape, weight, bias, NORM_EPS)


def stacked_layer_norm(x: Tensor, parameters: Tensor) -> Tensor:
    """Does what layer_norm does with parameters [2 * width], the weight and then the bias."""
    weight, bias = parameters.chunk(2)
    return layer_norm(x, weight, bias)


def gated(x: Tensor, w: Dict[str, Tensor]) -> Tensor:
    """Computes the feed-forward network of x [n, hidden]: up by a gate, projected down."""
    gate_up = project(x, w["mlp.gate_up_proj.weight"], w.get("mlp.gate_up_proj.bias"))
    gate, up = gate_up.chunk(2, -1)
    if GELU_GATE:
        gate = F.gelu(gate, approximate="tanh")
    else:
        gate = F.silu(gate)
    return project(gate * up, w["mlp.down_proj.weight"], w.get("mlp.down_proj.bias"))
