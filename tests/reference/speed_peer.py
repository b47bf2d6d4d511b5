"""What the peers of paired speed measurements have in common: the jobs, and the memory that they took.

A peer loads the model once and prints one JSON line that says so. Then it reads one JSON job a line from standard input
and answers each with one JSON line:

    {"versions": {"transformers": "4.57.6", ..}}
    {"context": 4096, "questions": 1, "question_tokens": 18, "new_tokens": 32, "attention": "dense", "fresh": true}
    {"seconds": .., "prefill_seconds": .., "question_tokens": 18, "question_seconds": .., "decode_seconds": ..,
     "decoded": 32, "peak_bytes": ..}

For each question: the context is read, unless `fresh` is false and the same context was read before; the question's
tokens in one pass, which gives the first new token; then `new_tokens` passes of one token each, greedily and past the
end of turn. `seconds` is the time of all of it, `decoded` counts the tokens of all questions, and the other times are
sums over them. `attention` is ignored: a peer is dense.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import re
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

REPOSITORY = Path(__file__).resolve().parents[2]
DEFAULT_MODEL = REPOSITORY / ".models/smollm2-135m-instruct/SmolLM2-135M-Instruct.Q4_1.gguf"

TEXT = "The keeper counted the barrels, lit the lamp at ten past six and wrote the weather into the book. "
QUESTION = "Say in one sentence what the keeper did on the last of these days, and why. "


class Peer(Protocol):
    """A model that reads and goes on."""

    def encode(self, text: str) -> list[int]:
        """The tokens of a text, nothing added."""

    def read(self, ids: Sequence[int], room: int) -> None:
        """Forgets everything, then reads a context that up to `room` tokens in all will follow."""

    def step(self, ids: Sequence[int]) -> int:
        """Reads tokens behind what was read before, in one pass, and gives the most likely next one."""

    def back_to(self, length: int) -> None:
        """Forgets all but the first `length` tokens."""


def arguments(description: str) -> argparse.Namespace:
    """The command line of a peer."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, required=True, help="threads; give all sides the same number")
    parser.add_argument("--model", type=Path, default=DEFAULT_MODEL, help="GGUF file (default: %(default)s)")
    return parser.parse_args()


def serve(peer: Peer, packages: Sequence[str]) -> None:
    """Answers jobs until standard input ends. `packages` are named with their versions."""
    _tell({"versions": {package: importlib.metadata.version(package) for package in packages}})
    kept: tuple[int, int] | None = None
    for line in sys.stdin:
        job = json.loads(line)
        context = _repeated(peer.encode(TEXT), job["context"])
        question = _repeated(peer.encode(QUESTION), job["question_tokens"])
        size = (len(context), len(context) + len(question) + job["new_tokens"])
        _reset_peak_rss()
        times = {"prefill_seconds": 0.0, "question_seconds": 0.0, "decode_seconds": 0.0}
        start = time.perf_counter()
        for _ in range(job["questions"]):
            if job["fresh"] or kept != size:
                times["prefill_seconds"] += _timed(lambda: peer.read(context, size[1]))[0]
                kept = size
            else:
                peer.back_to(len(context))
            seconds, token = _timed(lambda: peer.step(question))
            times["question_seconds"] += seconds
            times["decode_seconds"] += _timed(lambda: _decode(peer, token, job["new_tokens"]))[0]
        seconds = time.perf_counter() - start
        decoded = job["questions"] * job["new_tokens"]
        _tell({"seconds": seconds, "question_tokens": len(question), "decoded": decoded, "peak_bytes": _peak_rss()} | times)


def _decode(peer: Peer, token: int, count: int) -> None:
    for _ in range(count):
        token = peer.step([token])


def _repeated(unit: list[int], count: int) -> list[int]:
    return (unit * (count // len(unit) + 1))[:count]


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def _tell(line: dict[str, object]) -> None:
    print(json.dumps(line), flush=True)


def _reset_peak_rss() -> None:
    """Makes the kernel forget the peak of earlier jobs (Linux)."""
    Path("/proc/self/clear_refs").write_text("5")


def _peak_rss() -> int:
    """The largest resident set since the last reset, model included, in bytes."""
    [kilobytes] = re.findall(r"^VmHWM:\s+(\d+) kB$", Path("/proc/self/status").read_text(), re.MULTILINE)
    return int(kilobytes) * 1024
