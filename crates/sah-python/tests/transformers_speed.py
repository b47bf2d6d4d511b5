"""The default model in our engine, through sah.transformers, and in transformers' own generate, in one run.

    python tests/transformers_speed.py [ROUNDS]

Prints medians over rounds: seconds to read a context of 1,024 tokens and decoded tokens/s, greedy, f32.
"""

import os
import statistics
import sys
import time

import torch
import transformers

import sah

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 5
TOKENS = 48


def of_ours(model, context):
    answer = model.generate("Go on with the story.", context, answer_tokens=TOKENS)[0]
    return answer.context["prefill_seconds"], answer.stats["generated_tokens"] / answer.stats["decode_seconds"]


def of_generate(model, ids):
    """Seconds for the first token, and tokens/s of the others."""
    seconds = []
    for tokens in (1, TOKENS):
        started = time.perf_counter()
        out = model.generate(ids, max_new_tokens=tokens, min_new_tokens=tokens, do_sample=False)
        seconds.append(time.perf_counter() - started)
    assert out.shape[1] == ids.shape[1] + TOKENS
    return seconds[0], (TOKENS - 1) / (seconds[1] - seconds[0])


def main():
    engine = sah.load("smollm2-135m-instruct")
    folder, file = os.path.split(os.environ["SAH_DEFAULT_MODEL"])
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, gguf_file=file, dtype=torch.float32)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder, gguf_file=file)
    through = sah.transformers(model, tokenizer, name="smollm2")
    context = "The keeper of the lighthouse writes down every ship that passes, the hour and the colour of its flag. " * 48
    ids = tokenizer(context, return_tensors="pt")["input_ids"][:, :1024]
    sides = {
        "sah.load": lambda: of_ours(engine, context),
        "sah.transformers": lambda: of_ours(through, context),
        f"generate ({model.config._attn_implementation})": lambda: of_generate(model, ids),
    }
    measured = {name: [] for name in sides}
    for _ in range(ROUNDS):
        for name, side in sides.items():
            measured[name].append(side())
    for name, figures in measured.items():
        read, decoded = (statistics.median(column) for column in zip(*figures))
        print(f"{name}: context read in {read:.2f} s, {decoded:.1f} tokens/s")


main()
