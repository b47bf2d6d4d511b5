"""A peer for paired speed measurements: transformers with SDPA and a DynamicCache, f32, on the CPU.

Loads the model once, then reads one JSON job a line from standard input and answers each with one JSON line:

    {"context": 4096, "new_tokens": 32}
    {"prefill_seconds": .., "decode_seconds": .., "decoded_tokens": 32, "decode_tokens_per_second": ..,
     "peak_rss_bytes": ..}

What keeps the comparison fair: the prefill asks for the logits of the last position only; decoding is greedy, ignores
the end of turn and is a bare loop of forward passes, not `generate`; the time of the prefill, which gives the first
token, is not part of `decode_seconds`; both sides must run with the same --threads.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from pathlib import Path
from typing import Any

import torch
from transformers import DynamicCache

import model

TEXT = "The keeper counted the barrels, lit the lamp at ten past six and wrote the weather into the book. "


@torch.inference_mode()
def measure(reference: model.ReferenceModel, context: int, new_tokens: int) -> dict[str, Any]:
    """Prefills `context` tokens of a repeated text, then decodes `new_tokens` tokens, one forward pass each."""
    unit = reference.tokenizer.encode(TEXT, add_special_tokens=False)
    ids = (unit * (context // len(unit) + 1))[:context]
    cache = DynamicCache(config=reference.model.config)

    def step(tokens: torch.Tensor) -> torch.Tensor:
        output = reference.model(input_ids=tokens, past_key_values=cache, use_cache=True, logits_to_keep=1)
        return output.logits[:, -1:].argmax(dim=-1)

    _reset_peak_rss()
    start = time.perf_counter()
    token = step(torch.tensor([ids]))
    prefilled = time.perf_counter()
    for _ in range(new_tokens):
        token = step(token)
    decode_seconds = time.perf_counter() - prefilled
    return {
        "prefill_seconds": prefilled - start,
        "decode_seconds": decode_seconds,
        "decoded_tokens": new_tokens,
        "decode_tokens_per_second": new_tokens / decode_seconds,
        "peak_rss_bytes": _peak_rss(),
    }


def _reset_peak_rss() -> None:
    """Makes the kernel forget the peak of earlier jobs (Linux)."""
    Path("/proc/self/clear_refs").write_text("5")


def _peak_rss() -> int:
    """The largest resident set since the last reset, model included, in bytes."""
    [kilobytes] = re.findall(r"^VmHWM:\s+(\d+) kB$", Path("/proc/self/status").read_text(), re.MULTILINE)
    return int(kilobytes) * 1024


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, required=True, help="threads of torch; give the peer the same number")
    parser.add_argument("--model", type=Path, default=model.DEFAULT_MODEL, help="GGUF file (default: %(default)s)")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    reference = model.load(arguments.model)
    for line in sys.stdin:
        job = json.loads(line)
        print(json.dumps(measure(reference, job["context"], job["new_tokens"])), flush=True)


if __name__ == "__main__":
    main()
