"""Parts of which families make their layers."""

from typing import Dict

import torch
import torch.nn.functional as F
from torch import Tensor

from config import (
    ADAPTED,
    COMPUTE_DTYPE,
    EMBEDDING_SCALE,
    FUSED_PROJECTIONS,
    GELU_GATE,
    LEARNED_POSITIONS,
    NORM_EPS,
    VOCABULARY,
)
from projections import linear, matrix, project, project_adapted


def embed(ids: Tensor, positions: Tensor, weight: Tensor) -> Tensor:
    """Returns the vectors [n, hidden] of ids [n] at positions [n].

    weight is [VOCABULARY + LEARNED_POSITIONS, hidden], in float32 or bf16.
    """
    vectors = torch.embedding(weight, ids).float()
    if EMBEDDING_SCALE != 1.0:
        vectors = vectors * EMBEDDING_SCALE
    if LEARNED_POSITIONS > 0:
        vectors = vectors + torch.embedding(weight, positions.long() + VOCABULARY).float()
    return vectors


def rms_norm(x: Tensor, weight: Tensor) -> Tensor:
    """Divides x [..., width] by the root of its mean square; weight [width] multiplies it then."""
    return torch.rms_norm(x, weight.shape, weight, NORM_EPS)


def all_heads_norm(x: Tensor, weight: Tensor) -> Tensor:
    """Normalizes the heads of x [n, heads, HEAD_DIM] as one vector; weight has their elements."""
    return rms_norm(x.float().flatten(1), weight).to(COMPUTE_DTYPE).view(x.shape)


def layer_norm(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Brings x [..., width] to mean 0 and variance 1; weight and bias [width] are applied then."""
    return torch.layer_norm(x, weight.shape, weight, bias, NORM_EPS)


def stacked_layer_norm(x: Tensor, parameters: Tensor) -> Tensor:
    """Does what layer_norm does with parameters [2 * width], the weight and then the bias."""
    weight, bias = parameters.chunk(2)
    return layer_norm(x, weight, bias)


def gated(x: Tensor, w: Dict[str, Tensor]) -> Tensor:
    """Computes the feed-forward network of x [n, hidden]: up by a gate, projected down."""
    weight = matrix(w, "mlp.gate_up_proj.weight")
    bias = w.get("mlp.gate_up_proj.bias")
    if ADAPTED:
        width = weight.size(0) // 2
        modules = ["mlp.gate_proj", "mlp.up_proj"]
        widths = [width, width]
        if FUSED_PROJECTIONS:
            modules = ["mlp.gate_up_proj"]
            widths = [2 * width]
        gate_up = project_adapted(x, weight, bias, modules, widths, w)
    else:
        gate_up = linear(x, weight, bias)
    gate, up = gate_up.chunk(2, -1)
    if GELU_GATE:
        gate = F.gelu(gate, approximate="tanh")
    else:
        gate = F.silu(gate)
    return project(gate * up, w, "mlp.down_proj")
