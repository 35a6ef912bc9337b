"""What the kernels know of the model that they are compiled for.

The values here are those of a small Llama. Where a model is loaded, its own take their places.
"""

import torch

# Layers of the model.
LAYERS: int = 2

# Query heads, the key and value heads that they share, and the width of each head.
HEADS: int = 4
KV_HEADS: int = 2
HEAD_DIM: int = 8

# What is added to the mean of squares in a norm.
RMS_NORM_EPS: float = 1e-5

# The token whose embedding does not learn where it is read; negative for none.
PAD_TOKEN: int = -1

# The type that multiplies. Weights, gradients, norms, softmax and logits are float32 either way.
COMPUTE_DTYPE: torch.dtype = torch.float32
