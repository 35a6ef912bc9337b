"""The family that the kernels are compiled for.

Where a model is loaded, the file of its own family takes this one's place.
"""

from llama import final_norm, layer

__all__ = ["final_norm", "layer"]
