#!/usr/bin/env python3
"""TRL's GRPOTrainer on the work of bench/grpo: prints one JSON object.

    python bench/trl_grpo.py MODEL_DIR PROMPTS.jsonl --steps 3   times steps; the first is left out
    python bench/trl_grpo.py --make MODEL_DIR PROMPTS.jsonl      writes the model and the prompts

The model is the 25.8 M Llama of the other benchmarks with random weights and a tokenizer of a word
a token. A step samples --generations completions of --completion tokens to each of --prompts
prompts of --prompt tokens, scores them by their length, and makes one update, in f32.
"""

import argparse
import json
import os
import pathlib
import random
import resource
import statistics
import tempfile
import time

parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
)
parser.add_argument("model")
parser.add_argument("data")
parser.add_argument("--make", action="store_true")
parser.add_argument("--prompts", type=int, default=4, help="prompts a step")
parser.add_argument("--prompt", type=int, default=64, help="tokens of each prompt")
parser.add_argument("--generations", type=int, default=8, help="completions of each prompt")
parser.add_argument("--completion", type=int, default=64, help="tokens of each completion")
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--steps", type=int, default=3, help="timed steps")
options = parser.parse_args()
os.environ["OMP_NUM_THREADS"] = str(options.threads)
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch  # noqa: E402  (after OMP_NUM_THREADS)
import transformers  # noqa: E402

VOCABULARY = 8192


def make():
    """Writes the model with its tokenizer, and 64 random prompts as JSON lines {prompt}."""
    import tokenizers

    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=512,
        intermediate_size=1376,
        num_hidden_layers=6,
        num_attention_heads=8,
        num_key_value_heads=4,
        max_position_embeddings=1024,
        tie_word_embeddings=False,
        bos_token_id=0,
        eos_token_id=1,
        pad_token_id=2,
    )
    transformers.LlamaForCausalLM(config).save_pretrained(options.model)
    words = {"<bos>": 0, "<eos>": 1, "<pad>": 2, "<unk>": 3}
    words.update((f"w{i}", i) for i in range(4, VOCABULARY))
    plain = tokenizers.Tokenizer(tokenizers.models.WordLevel(words, unk_token="<unk>"))
    plain.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=plain,
        bos_token="<bos>",
        eos_token="<eos>",
        pad_token="<pad>",
        unk_token="<unk>",
    ).save_pretrained(options.model)
    choose = random.Random(1)
    with open(options.data, "w", encoding="utf-8") as out:
        for _ in range(64):
            text = " ".join(f"w{choose.randrange(4, VOCABULARY)}" for _ in range(options.prompt))
            out.write(json.dumps({"prompt": text}) + "\n")


def time_steps():
    """Trains with GRPOTrainer for the timed steps and one more, and prints one JSON object."""
    import datasets
    import trl

    class StepTimes(transformers.TrainerCallback):
        """Notes the seconds of each step of a trainer, sampling included."""

        def __init__(self):
            """No step has been timed yet."""
            self.seconds = []

        def on_step_begin(self, *args, **kwargs):
            """Starts the clock."""
            self.start = time.perf_counter()

        def on_step_end(self, *args, **kwargs):
            """Adds the seconds since the step began."""
            self.seconds.append(time.perf_counter() - self.start)

    torch.set_num_threads(options.threads)
    times = StepTimes()
    rows = [json.loads(line) for line in pathlib.Path(options.data).read_text().splitlines()]
    with tempfile.TemporaryDirectory() as output:
        trainer = trl.GRPOTrainer(
            model=transformers.AutoModelForCausalLM.from_pretrained(
                options.model, dtype=torch.float32
            ),
            processing_class=transformers.AutoTokenizer.from_pretrained(
                options.model, padding_side="left"
            ),
            train_dataset=datasets.Dataset.from_list(rows),
            reward_funcs=lambda completions, **kwargs: [float(len(text)) for text in completions],
            callbacks=[times],
            args=trl.GRPOConfig(
                output_dir=output,
                use_cpu=True,
                bf16=False,
                gradient_checkpointing=False,
                per_device_train_batch_size=options.prompts * options.generations,
                num_generations=options.generations,
                max_completion_length=options.completion,
                max_steps=options.steps + 1,
                learning_rate=1e-6,
                logging_steps=1,
                report_to="none",
                save_strategy="no",
                disable_tqdm=True,
                dataloader_pin_memory=False,
            ),
        )
        trainer.train()
    seconds = times.seconds[1:]
    tokens = options.prompts * options.generations * options.completion
    print(
        json.dumps(
            {
                "program": "trl_grpo",
                "torch": torch.__version__,
                "transformers": transformers.__version__,
                "trl": trl.__version__,
                "completion_tokens": tokens,
                "threads": options.threads,
                "seconds": [round(s, 3) for s in seconds],
                "median_seconds": round(statistics.median(seconds), 3),
                "completion_tokens_per_second": round(tokens / statistics.median(seconds), 1),
                "peak_rss_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
            }
        )
    )


if __name__ == "__main__":
    make() if options.make else time_steps()
