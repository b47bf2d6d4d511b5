"""Memory and speed of the default model under transformers and kvpress 0.5.5, beside what dense attention takes there.

    $(tests/reference/venv.sh kvpress) tests/reference/kvpress_memory.py [--tokens 16384] [--ratios 0.5,0.9] [--new-tokens 24]

Each line is a process of its own, in f32 with `--threads` threads: the resident memory once a context is read and a press has dropped
keys, and the tokens a second of a greedy answer. Beside it dense attention over a context as long as what is left.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import logging
import subprocess
import sys
import time

import kvpress
import torch
from transformers import DynamicCache

import model as reference

PRESSES = {
    "none": lambda ratio: None,
    "snapkv": kvpress.SnapKVPress,
    "adakv_snapkv": lambda ratio: kvpress.AdaKVPress(kvpress.SnapKVPress(ratio)),
}


def resident():
    """MiB of this process."""
    gc.collect()
    ctypes.CDLL("libc.so.6").malloc_trim(0)
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


def one(name, ratio, tokens, new_tokens, threads):
    """Prints MiB, and tokens a second."""
    torch.set_num_threads(threads)
    logging.disable(logging.WARNING)
    network = reference.load().model
    ids = torch.tensor([[1000 + place * 7919 % 20000 for place in range(tokens)]])
    cache, press = DynamicCache(), PRESSES[name](ratio)
    with torch.inference_mode():
        if press is None:
            network.model(input_ids=ids, past_key_values=cache)
        else:
            with press(network):
                network.model(input_ids=ids, past_key_values=cache)
        memory, token, seconds = resident(), 1000, []
        for place in range(tokens, tokens + new_tokens):
            begun = time.perf_counter()
            where = torch.tensor([[place]])
            output = network(input_ids=torch.tensor([[token]]), past_key_values=cache, position_ids=where)
            token = int(output.logits[0, -1].argmax())
            seconds.append(time.perf_counter() - begun)
    print(memory, 1 / sorted(seconds)[len(seconds) // 2])


def main():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokens", type=int, default=16384)
    parser.add_argument("--ratios", default="0.5,0.9")
    parser.add_argument("--new-tokens", type=int, default=24)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--one", nargs=2, metavar=("PRESS", "RATIO"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        one(given.one[0], float(given.one[1]), given.tokens, given.new_tokens, given.threads)
        return
    ratios = [float(ratio) for ratio in given.ratios.split(",")]
    lines = [("none", 0.0, given.tokens)]
    for ratio in ratios:
        lines += [("snapkv", ratio, given.tokens), ("adakv_snapkv", ratio, given.tokens)]
        lines.append(("none", 0.0, max(1, int(given.tokens * (1 - ratio)))))
    print("| press | ratio | context | resident, MiB | tokens/s |\n|---|---|---|---|---|", flush=True)
    for name, ratio, tokens in lines:
        command = [sys.executable, __file__, "--tokens", str(tokens), "--new-tokens", str(given.new_tokens),
                   "--threads", str(given.threads), "--one", name, str(ratio)]
        output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        memory, speed = map(float, output.split())
        print(f"| {name} | {ratio} | {tokens:,} | {memory:,.0f} | {speed:.1f} |", flush=True)


if __name__ == "__main__":
    main()
