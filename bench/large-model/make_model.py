"""Writes a checkpoint of Qwen2.5-7B's shapes with one layer and random weights.

Its embedding, 152064 x 3584, which is also its head, takes 2.2 GB in float32: more than 2 GiB, and
more than 2^29 elements.

    python make_model.py DIRECTORY
"""

import json
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file

HIDDEN = 3584
INNER = 18944
HEADS = 28
KEY_VALUE_HEADS = 4
HEAD_DIM = 128
VOCABULARY = 152064

CONFIG = {
    "architectures": ["Qwen2ForCausalLM"],
    "model_type": "qwen2",
    "hidden_size": HIDDEN,
    "intermediate_size": INNER,
    "num_hidden_layers": 1,
    "num_attention_heads": HEADS,
    "num_key_value_heads": KEY_VALUE_HEADS,
    "vocab_size": VOCABULARY,
    "hidden_act": "silu",
    "max_position_embeddings": 32768,
    "rms_norm_eps": 1e-06,
    "rope_theta": 1000000.0,
    "tie_word_embeddings": True,
    "use_sliding_window": False,
    "torch_dtype": "float32",
}


def embedding_shapes() -> dict[str, list[int]]:
    """Returns the shapes of the first file."""
    return {"model.embed_tokens.weight": [VOCABULARY, HIDDEN]}


def layer_shapes() -> dict[str, list[int]]:
    """Returns the shapes of the second file: the layer and the last norm."""
    queries = HEADS * HEAD_DIM
    keys = KEY_VALUE_HEADS * HEAD_DIM
    layer = "model.layers.0."
    return {
        layer + "input_layernorm.weight": [HIDDEN],
        layer + "self_attn.q_proj.weight": [queries, HIDDEN],
        layer + "self_attn.q_proj.bias": [queries],
        layer + "self_attn.k_proj.weight": [keys, HIDDEN],
        layer + "self_attn.k_proj.bias": [keys],
        layer + "self_attn.v_proj.weight": [keys, HIDDEN],
        layer + "self_attn.v_proj.bias": [keys],
        layer + "self_attn.o_proj.weight": [HIDDEN, queries],
        layer + "post_attention_layernorm.weight": [HIDDEN],
        layer + "mlp.gate_proj.weight": [INNER, HIDDEN],
        layer + "mlp.up_proj.weight": [INNER, HIDDEN],
        layer + "mlp.down_proj.weight": [HIDDEN, INNER],
        "model.norm.weight": [HIDDEN],
    }


def random_weights(shapes: dict[str, list[int]], generator: torch.Generator):
    """Returns normal weights with a deviation of 0.02; norms are around 1."""
    weights = {}
    for name, shape in shapes.items():
        weight = torch.empty(shape).normal_(0.0, 0.02, generator=generator)
        if name.endswith("norm.weight"):
            weight.add_(1.0)
        weights[name] = weight
    return weights


def main() -> None:
    """Writes two files of weights, their index, and config.json last."""
    directory = Path(sys.argv[1])
    directory.mkdir(parents=True, exist_ok=True)
    generator = torch.Generator().manual_seed(7)
    weight_map = {}
    for i, shapes in enumerate([embedding_shapes(), layer_shapes()]):
        file = f"model-{i + 1:05d}-of-00002.safetensors"
        save_file(random_weights(shapes, generator), directory / file, metadata={"format": "pt"})
        for name in shapes:
            weight_map[name] = file
    index = {"metadata": {}, "weight_map": weight_map}
    (directory / "model.safetensors.index.json").write_text(json.dumps(index, indent=2))
    (directory / "config.json").write_text(json.dumps(CONFIG, indent=2))


if __name__ == "__main__":
    main()
