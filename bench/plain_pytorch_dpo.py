#!/usr/bin/env python3
"""A plain PyTorch DPO step to measure Plumbline's against.

The model is the 25 M Llama of the figures: hidden 512, 6 layers, 8 heads, 4 key-value heads,
intermediate 1376, vocabulary 8192, untied, random weights, sdpa attention. A step is what a
straightforward loop does: one padded batch of chosen and rejected sequences, prompt twice, logits
of every position, sigmoid DPO loss against reference log-probabilities computed beforehand,
backward, clipping by global norm, AdamW.

    python bench/plain_pytorch_dpo.py --prompt 192 --completion 64 --steps 5
        warms up with one step, runs five, and prints one JSON object

    python bench/plain_pytorch_dpo.py --prompt 192 --completion 64 --serve
        prints "ready" and a JSON object of the setting; then, for each line "step" on standard
        input, runs one step and prints its seconds; "quit" or end of input ends it. So a driver
        can take turns with another program, and both see the same machine.
"""

import argparse
import json
import os
import resource
import statistics
import sys
import time

parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
)
parser.add_argument("--prompt", type=int, default=192, help="tokens of each prompt")
parser.add_argument("--completion", type=int, default=64, help="tokens of each completion")
parser.add_argument("--pairs", type=int, default=4, help="pairs a step")
parser.add_argument(
    "--dtype",
    choices=["f32", "bf16", "bf16-weights"],
    default="f32",
    help="f32; bf16: f32 weights under autocast;"
    " bf16-weights: weights, gradients and AdamW state in bf16",
)
parser.add_argument(
    "--logits",
    choices=["all", "completion"],
    default="all",
    help="positions that logits are computed for",
)
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--steps", type=int, default=5, help="timed steps in one-shot mode")
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--serve", action="store_true", help="take commands on standard input")
options = parser.parse_args()
os.environ["OMP_NUM_THREADS"] = str(options.threads)

import torch  # noqa: E402  (after OMP_NUM_THREADS)
import transformers  # noqa: E402
from torch.nn import functional  # noqa: E402

VOCABULARY = 8192
BETA = 0.1


def llama():
    """The 25.8 M Llama of the figures with random f32 weights."""
    config = transformers.LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=512,
        intermediate_size=1376,
        num_hidden_layers=6,
        num_attention_heads=8,
        num_key_value_heads=4,
        max_position_embeddings=1024,
        tie_word_embeddings=False,
        attn_implementation="sdpa",
    )
    return transformers.LlamaForCausalLM(config)


class DpoStep:
    """A model, its optimizer and one batch; a call runs a step on that batch.

    `ids`, `attention_mask` and `in_completion` are [2 * pairs, prompt + completion].
    """

    def __init__(self):
        """Makes everything by the options, and the reference's log-probabilities, [2 * pairs]."""
        torch.set_num_threads(options.threads)
        torch.manual_seed(options.seed)
        self.model = llama().train()
        if options.dtype == "bf16-weights":
            self.model.to(torch.bfloat16)
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=1e-5)
        prompts = torch.randint(4, VOCABULARY, (options.pairs, options.prompt))
        completions = torch.randint(4, VOCABULARY, (2 * options.pairs, options.completion))
        # Chosen sides first, then the rejected ones of the same prompts.
        self.ids = torch.cat([prompts.repeat(2, 1), completions], dim=1)
        self.attention_mask = torch.ones_like(self.ids)
        self.in_completion = torch.zeros_like(self.ids, dtype=torch.bool)
        self.in_completion[:, options.prompt :] = True
        with torch.no_grad():
            self.reference_logps = self.logps().detach()

    def logps(self):
        """Sums of log-probabilities over each completion's tokens, f32, [2 * pairs]."""
        with torch.autocast("cpu", torch.bfloat16, enabled=options.dtype == "bf16"):
            if options.logits == "all":
                logits = self.model(
                    input_ids=self.ids, attention_mask=self.attention_mask, use_cache=False
                ).logits[:, :-1]
                targets = self.ids[:, 1:]
                mask = self.in_completion[:, 1:]
            else:
                kept = self.model(
                    input_ids=self.ids,
                    attention_mask=self.attention_mask,
                    use_cache=False,
                    logits_to_keep=options.completion + 1,
                )
                logits = kept.logits[:, :-1]
                targets = self.ids[:, options.prompt :]
                mask = torch.ones_like(targets, dtype=torch.bool)
        logits = logits.float()
        of_targets = logits.gather(2, targets.unsqueeze(2)).squeeze(2) - logits.logsumexp(2)
        return (of_targets * mask).sum(1)

    def __call__(self):
        """Runs one step with DPO's sigmoid loss (eq. 7 of its paper, arXiv 2305.18290).

        Returns the seconds that it took.
        """
        start = time.perf_counter()
        log_ratios = self.logps() - self.reference_logps
        chosen, rejected = log_ratios.chunk(2)
        loss = -functional.logsigmoid(BETA * (chosen - rejected)).mean()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return time.perf_counter() - start


def main():
    """Times steps and prints one JSON object, or takes commands with --serve."""
    step = DpoStep()
    setting = {
        "program": "plain_pytorch_dpo",
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "parameters": sum(p.numel() for p in step.model.parameters()),
        "prompt": options.prompt,
        "completion": options.completion,
        "pairs": options.pairs,
        # All positions of a pass with a sequence for each side, the unit of all figures.
        "tokens": step.ids.numel(),
        "dtype": options.dtype,
        "logits": options.logits,
        "threads": options.threads,
    }
    if options.serve:
        print("ready", json.dumps(setting), flush=True)
        for line in sys.stdin:
            command = line.strip()
            if command == "step":
                print(f"{step():.6f}", flush=True)
            elif command == "quit":
                break
            elif command:
                sys.exit(f"unknown command {command!r}: say step or quit")
        return
    step()
    seconds = [step() for _ in range(options.steps)]
    setting.update(
        seconds=[round(s, 4) for s in seconds],
        min_seconds=round(min(seconds), 4),
        median_seconds=round(statistics.median(seconds), 4),
        tokens_per_second_at_min=round(setting["tokens"] / min(seconds), 1),
        tokens_per_second_at_median=round(setting["tokens"] / statistics.median(seconds), 1),
        peak_rss_mib=round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    )
    print(json.dumps(setting))


if __name__ == "__main__":
    main()
