"""Writes crates/sah-adapter/tests/reference/logits_processors.json: which tokens transformers leaves to be drawn, and their logits.

The logits are random, with ties and with a wide spread; every processor is run alone and in the order of `generate`.
"""

from __future__ import annotations

import argparse
import json
from itertools import product
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from transformers import LogitsProcessorList
from transformers.generation import (
    MinPLogitsWarper,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

REPOSITORY = Path(__file__).resolve().parents[2]
VOCABULARY = 64


def all_logits() -> list[torch.Tensor]:
    """Flat, peaked, tied and negative logits, in f32."""
    generator = torch.Generator().manual_seed(20261124)
    random = torch.randn(VOCABULARY, generator=generator)
    peaked = torch.randn(VOCABULARY, generator=generator) * 8
    tied = torch.randn(VOCABULARY, generator=generator).mul(2).round()
    negative = torch.randn(VOCABULARY, generator=generator) - 20
    return [random, peaked, tied, negative]


def processors(settings: SimpleNamespace) -> LogitsProcessorList:
    """The processors of `generate`, in its order."""
    found = LogitsProcessorList()
    if settings.repetition_penalty is not None:
        found.append(RepetitionPenaltyLogitsProcessor(settings.repetition_penalty))
    found.append(TemperatureLogitsWarper(settings.temperature))
    if settings.top_k is not None:
        found.append(TopKLogitsWarper(settings.top_k))
    if settings.top_p is not None:
        found.append(TopPLogitsWarper(settings.top_p))
    if settings.min_p is not None:
        found.append(MinPLogitsWarper(settings.min_p))
    return found


def case(logits: list[torch.Tensor], number: int, seen: list[int], **settings: Any) -> dict[str, Any] | None:
    """One case; none where top-p would cut between equal logits, of which transformers keeps an arbitrary one."""
    scores = processors(SimpleNamespace(**settings))(torch.tensor([seen]), logits[number][None].clone())[0]
    kept = torch.isfinite(scores).nonzero().flatten().tolist()
    dropped = {value for index, value in enumerate(logits[number].tolist()) if index not in kept}
    if settings["top_p"] is not None and dropped & {logits[number][index].item() for index in kept}:
        return None
    return {"logits": number, "seen": seen, **settings, "kept": kept, "scores": scores[kept].tolist()}


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--out", type=Path, default=REPOSITORY / "crates/sah-adapter/tests/reference/logits_processors.json", help="file to write"
    )
    arguments = parser.parse_args()
    logits = all_logits()
    settings = product(range(len(logits)), (None, 1.3, 0.8), (1.0, 0.7, 2.0), (None, 1, 5), (None, 0.3, 0.95), (None, 0.1))
    cases = [
        case(
            logits, number, [3, 7, 7, 40], repetition_penalty=penalty, temperature=temperature, top_k=k, top_p=p, min_p=m
        )
        for number, penalty, temperature, k, p, m in settings
        if sum(value is not None for value in (penalty, k, p, m)) in (0, 1, 2, 4)
    ]
    cases = [case for case in cases if case is not None]
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
    head = json.dumps([values.tolist() for values in logits])
    arguments.out.write_text(f'{{"logits": {head}, "cases": [\n{lines}\n]}}\n', encoding="utf-8")
    print(f"{arguments.out}: {len(cases)} cases, {arguments.out.stat().st_size} bytes")


if __name__ == "__main__":
    main()
