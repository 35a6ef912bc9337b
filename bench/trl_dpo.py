#!/usr/bin/env python3
"""TRL's DPOTrainer on the same work as plain_pytorch_dpo.py: prints one JSON object.

    python bench/trl_dpo.py --prompt 192 --completion 64 --steps 5

The trainer gets token ids, so that only its reference pass and its steps are timed, and all pairs
have the same length. The first step is left out.
"""

import argparse
import json
import os
import resource
import statistics
import tempfile
import time

parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
)
parser.add_argument("--prompt", type=int, default=192, help="tokens of each prompt")
parser.add_argument("--completion", type=int, default=64, help="tokens of each completion")
parser.add_argument("--pairs", type=int, default=4, help="pairs a step")
parser.add_argument(
    "--dtype", choices=["f32", "bf16"], default="f32", help="bf16: f32 weights under autocast"
)
parser.add_argument(
    "--gradient-checkpointing", action="store_true", help="TRL's default; off here unless asked for"
)
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--steps", type=int, default=5, help="timed steps")
parser.add_argument("--seed", type=int, default=0)
options = parser.parse_args()
os.environ["OMP_NUM_THREADS"] = str(options.threads)
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import datasets  # noqa: E402  (after OMP_NUM_THREADS)
import tokenizers  # noqa: E402
import torch  # noqa: E402
import transformers  # noqa: E402
import trl  # noqa: E402

VOCABULARY = 8192


def llama():
    """The Llama of plain_pytorch_dpo.py, with ids for BOS, EOS and padding."""
    torch.manual_seed(options.seed)
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
        bos_token_id=0,
        eos_token_id=1,
        pad_token_id=2,
    )
    return transformers.LlamaForCausalLM(config)


def tokenizer():
    """A tokenizer of whole words, which DPOTrainer asks for; no text is encoded by it."""
    words = {"<bos>": 0, "<eos>": 1, "<pad>": 2, "<unk>": 3}
    words.update((f"w{i}", i) for i in range(4, VOCABULARY))
    plain = tokenizers.Tokenizer(tokenizers.models.WordLevel(words, unk_token="<unk>"))
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=plain,
        bos_token="<bos>",
        eos_token="<eos>",
        pad_token="<pad>",
        unk_token="<unk>",
    )


def pairs(count):
    """Random rows of token ids, as many as asked for: prompt_ids, chosen_ids and rejected_ids."""
    generator = torch.Generator().manual_seed(options.seed + 1)

    def ids(length):
        return torch.randint(4, VOCABULARY, (length,), generator=generator).tolist()

    return datasets.Dataset.from_list(
        [
            {
                "prompt_ids": ids(options.prompt),
                "chosen_ids": ids(options.completion),
                "rejected_ids": ids(options.completion),
            }
            for _ in range(count)
        ]
    )


class TokenizedDpoTrainer(trl.DPOTrainer):
    """DPOTrainer on rows that have token ids already."""

    def _prepare_dataset(self, dataset, *args, **kwargs):
        """The rows as they are: there is no text to tokenize."""
        return dataset


class StepTimes(transformers.TrainerCallback):
    """Notes the seconds of each step of a trainer."""

    def __init__(self):
        """No step has been timed yet."""
        self.seconds = []

    def on_step_begin(self, *args, **kwargs):
        """Starts the clock."""
        self.start = time.perf_counter()

    def on_step_end(self, *args, **kwargs):
        """Adds the seconds since the step began."""
        self.seconds.append(time.perf_counter() - self.start)


def main():
    """Trains for the timed steps and one more, and prints one JSON object."""
    torch.set_num_threads(options.threads)
    steps = options.steps + 1
    times = StepTimes()
    with tempfile.TemporaryDirectory() as output:
        arguments = trl.DPOConfig(
            output_dir=output,
            use_cpu=True,
            bf16=options.dtype == "bf16",
            gradient_checkpointing=options.gradient_checkpointing,
            per_device_train_batch_size=options.pairs,
            max_steps=steps,
            learning_rate=1e-5,
            max_grad_norm=1.0,
            beta=0.1,
            max_length=options.prompt + options.completion,
            precompute_ref_log_probs=True,
            logging_steps=1,
            report_to="none",
            save_strategy="no",
            disable_tqdm=True,
            dataloader_pin_memory=False,
        )
        data = pairs(options.pairs * steps)
        start = time.perf_counter()
        trainer = TokenizedDpoTrainer(
            model=llama(),
            args=arguments,
            train_dataset=data,
            processing_class=tokenizer(),
            callbacks=[times],
        )
        construction = time.perf_counter() - start
        trainer.train()
    seconds = times.seconds[1:]
    tokens = 2 * options.pairs * (options.prompt + options.completion)
    print(
        json.dumps(
            {
                "program": "trl_dpo",
                "torch": torch.__version__,
                "transformers": transformers.__version__,
                "trl": trl.__version__,
                "prompt": options.prompt,
                "completion": options.completion,
                "pairs": options.pairs,
                "tokens": tokens,
                "dtype": options.dtype,
                "gradient_checkpointing": options.gradient_checkpointing,
                "threads": options.threads,
                "seconds": [round(s, 4) for s in seconds],
                "min_seconds": round(min(seconds), 4),
                "median_seconds": round(statistics.median(seconds), 4),
                "tokens_per_second_at_min": round(tokens / min(seconds), 1),
                "tokens_per_second_at_median": round(tokens / statistics.median(seconds), 1),
                "construction_and_reference_seconds": round(construction, 4),
                "peak_rss_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
            }
        )
    )


if __name__ == "__main__":
    main()
