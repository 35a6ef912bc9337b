"""What the kernels know of the model that they are compiled for.

The values here are those of a small Llama. Where a model is loaded, its own take their places.
"""

import torch

# Layers of the model.
LAYERS: int = 2

# Rows of the embedding that are tokens', and those behind them that are positions'.
VOCABULARY: int = 97
LEARNED_POSITIONS: int = 0

# Query heads, the key and value heads that they share, and the width of each head.
HEADS: int = 4
KV_HEADS: int = 2
HEAD_DIM: int = 8

# Elements of a head that are rotated, the first ones.
ROTARY_DIM: int = 8

# The longest sequence that the first of two tables of frequencies is for (LongRoPE); more than any
# where there is one table.
ORIGINAL_POSITIONS: int = 2147483647

# What multiplies the products of queries and keys, and the bound that they approach; 0 for none.
ATTENTION_SCALE: float = 0.35355339059327373
ATTENTION_SOFT_CAP: float = 0.0

# Whether each query head and each key head has a norm, and whether the gate of a feed-forward
# network is GELU, by its tanh approximation, and not SiLU.
HEAD_NORMS: bool = False
GELU_GATE: bool = False

# Experts that compute each place of a mixture, and whether their shares add up to 1.
EXPERTS_PER_TOKEN: int = 2
WHOLE_SHARES: bool = False

# The bound of queries, keys and values (OLMoE); 0 for none.
QKV_BOUND: float = 0.0

# Whether attention and feed-forward read the same input (GPT-NeoX).
PARALLEL_RESIDUAL: bool = False

# What multiplies the embedding, what a layer adds to the stream, and the logits.
EMBEDDING_SCALE: float = 1.0
RESIDUAL_SCALE: float = 1.0
LOGITS_SCALE: float = 1.0

# The bound that logits approach; 0 for none.
LOGITS_SOFT_CAP: float = 0.0

# What is added to the mean of squares in a norm.
NORM_EPS: float = 1e-5

# Whether modules of layers have adapters, and whether these learn the lengths of rows (DoRA).
ADAPTED: bool = False
DORA: bool = False

# The share of their inputs that adapters leave out at random while they are trained.
DROPOUT: float = 0.0

# Whether queries, keys and values, and gate and up, are one module each (Phi 3).
FUSED_PROJECTIONS: bool = False

# Whether matrices stand transposed, [inputs, outputs] (GPT-2).
TRANSPOSED: bool = False

# Values of a row that share a scale where a matrix is held in int8.
SCALED_BLOCK: int = 64

# The token whose embedding does not learn where it is read; negative for none.
PAD_TOKEN: int = -1

# The type that multiplies. Weights, gradients, norms, softmax and logits are float32 either way.
COMPUTE_DTYPE: torch.dtype = torch.float32
