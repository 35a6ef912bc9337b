"""Values in fewer bytes than float32 takes: how they are made."""

import torch
import torch.nn.functional as F
from torch import Tensor


def zeros_in_bf16(length: int, like: Tensor) -> Tensor:
    """Returns zeros [length] in bf16 on the device of another tensor."""
    return torch.zeros([length], dtype=torch.bfloat16, device=like.device)


def zeros_in_int8(length: int, like: Tensor) -> Tensor:
    """Returns zeros [length] in int8 on the device of another tensor."""
    return torch.zeros([length], dtype=torch.int8, device=like.device)


def quantize(x: Tensor, quantized: Tensor, scales: Tensor, block: int) -> None:
    """Writes x [rows, columns] as whole numbers from -127 to 127 and scales [rows, blocks, 1].

    A scale is that of so many columns, or of those that are left at the end of a row: the greatest
    absolute value among them over 127. A value becomes the nearest multiple of it, halves to even.
    """
    rows, columns = x.size()
    blocks = scales.size(1)
    padded = F.pad(x, [0, blocks * block - columns]).view(rows, blocks, block)
    scales.copy_(padded.abs().amax(-1, keepdim=True) / 127.0)
    multiples = (padded / scales.masked_fill(scales == 0.0, 1.0)).round_()
    quantized.copy_(multiples.view(rows, -1)[:, :columns])
