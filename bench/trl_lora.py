#!/usr/bin/env python3
"""TRL's DPOTrainer with PEFT on the work of bench/lora: prints one JSON object.

    python bench/trl_lora.py MODEL_DIR ROWS.jsonl --adapter ADAPTER_DIR --steps 6
        trains the adapter of PEFT's in a directory; without --adapter all weights

    python bench/trl_lora.py --make MODEL_DIR ADAPTER_DIR
        writes a fresh adapter of rank 16 on all linear modules of the layers

Rows hold prompt, chosen and rejected and are taken in their order. Reference log-probabilities are
computed before the first step, as Plumbline does.
"""

import argparse
import json
import os
import pathlib
import resource
import tempfile
import time

parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
)
parser.add_argument("model")
parser.add_argument("data", help="the rows; with --make the directory that is written")
parser.add_argument("--make", action="store_true")
parser.add_argument("--adapter")
parser.add_argument(
    "--dtype", choices=["f32", "bf16"], default="f32", help="bf16: f32 weights under autocast"
)
parser.add_argument("--gradient-checkpointing", action="store_true")
parser.add_argument("--batch", type=int, default=8, help="pairs a step")
parser.add_argument("--steps", type=int, default=6)
parser.add_argument("--learning-rate", type=float, default=1e-5)
parser.add_argument("--threads", type=int, default=2)
options = parser.parse_args()
os.environ["OMP_NUM_THREADS"] = str(options.threads)
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import peft  # noqa: E402  (after OMP_NUM_THREADS)
import torch  # noqa: E402
import transformers  # noqa: E402


def base_model():
    """The model with f32 weights."""
    return transformers.AutoModelForCausalLM.from_pretrained(options.model, dtype=torch.float32)


def make():
    """Writes an adapter that changes nothing yet: B is 0."""
    torch.manual_seed(0)
    config = peft.LoraConfig(
        r=16,
        lora_alpha=32,
        lora_dropout=0.0,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
    )
    peft.get_peft_model(base_model(), config).save_pretrained(options.data)


def start():
    """The model that training starts from."""
    if options.adapter is None:
        return base_model()
    return peft.PeftModel.from_pretrained(base_model(), options.adapter, is_trainable=True)


def train():
    """Trains for the steps, and prints of each its seconds, its loss and its tokens."""
    import datasets
    import trl

    class Steps(transformers.TrainerCallback):
        """Notes the seconds and the loss of each step."""

        def __init__(self):
            """No step has been made yet."""
            self.seconds = []
            self.losses = []

        def on_step_begin(self, *args, **kwargs):
            """Starts the clock."""
            self.start = time.perf_counter()

        def on_step_end(self, *args, **kwargs):
            """Adds the seconds since the step began."""
            self.seconds.append(time.perf_counter() - self.start)

        def on_log(self, *args, logs, **kwargs):
            """Adds a step's loss; the last line of a run has none."""
            if "loss" in logs:
                self.losses.append(logs["loss"])

    torch.set_num_threads(options.threads)
    steps = Steps()
    lines = pathlib.Path(options.data).read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    with tempfile.TemporaryDirectory() as output:
        trainer = trl.DPOTrainer(
            model=start(),
            train_dataset=datasets.Dataset.from_list(rows),
            processing_class=transformers.AutoTokenizer.from_pretrained(options.model),
            callbacks=[steps],
            args=trl.DPOConfig(
                output_dir=output,
                use_cpu=True,
                bf16=options.dtype == "bf16",
                gradient_checkpointing=options.gradient_checkpointing,
                per_device_train_batch_size=options.batch,
                max_steps=options.steps,
                train_sampling_strategy="sequential",
                learning_rate=options.learning_rate,
                lr_scheduler_type="constant",
                precompute_ref_log_probs=True,
                logging_steps=1,
                report_to="none",
                save_strategy="no",
                disable_tqdm=True,
                dataloader_pin_memory=False,
            ),
        )
        trained = sum(p.numel() for p in trainer.model.parameters() if p.requires_grad)
        tokens = [
            2 * len(row["prompt_ids"]) + len(row["chosen_ids"]) + len(row["rejected_ids"])
            for row in trainer.train_dataset
        ]
        trainer.train()
    print(
        json.dumps(
            {
                "program": "trl_lora",
                "torch": torch.__version__,
                "transformers": transformers.__version__,
                "trl": trl.__version__,
                "peft": peft.__version__,
                "trained_parameters": trained,
                "seconds": [round(s, 4) for s in steps.seconds],
                "losses": steps.losses,
                "tokens": [
                    sum(tokens[step * options.batch : (step + 1) * options.batch])
                    for step in range(options.steps)
                ],
                "peak_rss_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
            }
        )
    )


if __name__ == "__main__":
    make() if options.make else train()
