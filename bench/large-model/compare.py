"""Compares what LargeModel saw and wrote with transformers.

START is the model that was trained, WRITTEN the checkpoint after its step, SEEN the file with the
row, its loss and gradient norm, and logits of the written model. Fails where they differ.

    python compare.py START WRITTEN SEEN
"""

import json
import sys

import numpy as np
import torch
from transformers import AutoModelForCausalLM

PIECE = 1 << 22


def loaded(directory: str) -> torch.nn.Module:
    """Returns a model in float32."""
    return AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32)


def norm(model: torch.nn.Module) -> float:
    """Returns the L2 norm of all gradients, added up in float64 by pieces."""
    squares = 0.0
    for parameter in model.parameters():
        gradient = parameter.grad.view(-1)
        for start in range(0, gradient.numel(), PIECE):
            squares += gradient[start : start + PIECE].double().square().sum().item()
    return squares**0.5


def check(what: str, ours: float, theirs: float, tolerance: float) -> None:
    """Prints two numbers and fails where they differ by more than a part of them."""
    print(f"{what:<24} {ours:.8g}  transformers {theirs:.8g}")
    if abs(ours - theirs) > tolerance * abs(theirs):
        sys.exit(f"{what} differs")


def check_step(start: str, seen: dict) -> None:
    """Compares the loss and the gradient norm of the step."""
    model = loaded(start)
    prompt = seen["prompt"]
    ids = torch.tensor([prompt + seen["completion"]])
    labels = ids.clone()
    labels[:, : len(prompt)] = -100
    loss = model(input_ids=ids, labels=labels).loss
    loss.backward()
    check("loss", seen["loss"], loss.item(), 1e-5)
    check("gradient norm", seen["grad_norm"], norm(model), 1e-4)


def check_logits(written: str, seen: dict, file: str) -> None:
    """Compares all logits of a sequence of the written model."""
    model = loaded(written)
    ids = torch.tensor([seen["prompt"] + seen["completion"]])
    with torch.no_grad():
        theirs = model(input_ids=ids).logits[0].numpy()
    ours = np.fromfile(file, dtype="<f4").reshape(theirs.shape)
    worst = np.abs(ours - theirs).max()
    print(f"logits {list(theirs.shape)} differ by at most {worst:.2g}, the largest is", end=" ")
    print(f"{np.abs(theirs).max():.4g}")
    if not worst <= 1e-4 * np.abs(theirs).max():
        sys.exit("logits differ")


def main() -> None:
    """Compares the step, then the checkpoint."""
    start, written, seen_file = sys.argv[1:]
    with open(seen_file) as file:
        seen = json.load(file)
    check_step(start, seen)
    check_logits(written, seen, seen_file + ".logits")


if __name__ == "__main__":
    main()
