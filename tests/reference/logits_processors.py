"""Writes logits_processors.json and logits_warpers.json into crates/sah-adapter/tests/reference: what transformers does to logits.

The first has what `generate` does before it chooses a token, for fields of generation_config.json, alone and together; the
second which tokens can be drawn at random. The logits are random, with ties and with a wide spread.
"""

from __future__ import annotations

import argparse
import json
from itertools import product
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM, LogitsProcessorList
from transformers.generation import MinPLogitsWarper, TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

REPOSITORY = Path(__file__).resolve().parents[2]
VOCABULARY = 64
EOS = [2, 5]
MAX_NEW_TOKENS = 4

PROMPT = [3, 7, 7, 40, 11, 7, 40, 11, 9, 7, 40]
# A prompt, and how many of its tokens are the answer so far. The answer is complete in none.
SEQUENCES = ((PROMPT, 0), (PROMPT, 2), (PROMPT, 3), ([1], 0), ([7, 40], 1), ([1, 2, 3, 4, 5, 6], 3))

# Fields of generation_config.json, each group alone.
FIELDS: list[dict[str, Any]] = [
    {"repetition_penalty": 1.3},
    {"repetition_penalty": 0.8},
    {"repetition_penalty": 1.0, "no_repeat_ngram_size": 0, "min_length": 0, "encoder_repetition_penalty": 1.0},
    {"encoder_repetition_penalty": 1.3},
    {"encoder_repetition_penalty": 0.6, "repetition_penalty": 1.2},
    {"no_repeat_ngram_size": 1},
    {"no_repeat_ngram_size": 2},
    {"no_repeat_ngram_size": 3},
    {"no_repeat_ngram_size": 20},
    {"encoder_no_repeat_ngram_size": 1},
    {"encoder_no_repeat_ngram_size": 2},
    {"encoder_no_repeat_ngram_size": 3},
    {"sequence_bias": [[[9], 2.5], [[7, 40], -3.0], [[40, 11], 1.25], [[11, 40, 11], 0.5]]},
    {"bad_words_ids": [[9], [2], [40, 11], [40, 2], [11, 9, 7]]},
    {"bad_words_ids": [[2], [5]]},
    {"min_length": 9},
    {"min_length": 12},
    {"min_new_tokens": 1},
    {"min_new_tokens": 3, "min_length": 2},
    {"min_new_tokens": 0, "min_length": 40},
    {"forced_bos_token_id": 8},
    {"forced_bos_token_id": 8, "begin_suppress_tokens": [8, 20]},
    {"forced_eos_token_id": 5},
    {"forced_eos_token_id": [2, 5]},
    {"remove_invalid_values": True},
    {"remove_invalid_values": True, "bad_words_ids": [[9], [11]], "suppress_tokens": [12]},
    {"exponential_decay_length_penalty": [1, 1.5]},
    {"exponential_decay_length_penalty": [0, 1.05]},
    {"suppress_tokens": [0, 1, 2, 63, -1]},
    {"begin_suppress_tokens": [2, 5, 17]},
    {"suppress_tokens": [4], "begin_suppress_tokens": [2, 5], "min_new_tokens": 2, "repetition_penalty": 1.1},
    {
        "sequence_bias": [[[30], 4.0]],
        "repetition_penalty": 1.2,
        "no_repeat_ngram_size": 2,
        "bad_words_ids": [[21], [40, 50]],
        "forced_eos_token_id": 2,
        "suppress_tokens": [33],
    },
]

def all_logits() -> list[torch.Tensor]:
    """Flat, peaked, tied and negative logits, in f32."""
    generator = torch.Generator().manual_seed(20261124)
    random = torch.randn(VOCABULARY, generator=generator)
    peaked = torch.randn(VOCABULARY, generator=generator) * 8
    tied = torch.randn(VOCABULARY, generator=generator).mul(2).round()
    negative = torch.randn(VOCABULARY, generator=generator) - 20
    return [random, peaked, tied, negative]


def processed(fields: dict[str, Any], prompt: list[int], answer: int, logits: torch.Tensor) -> list[float | None]:
    """What `generate` makes of the logits after `prompt`, whose last `answer` tokens are new; None is minus infinity."""
    length = len(prompt) - answer
    config = GenerationConfig(**fields, eos_token_id=EOS, max_new_tokens=MAX_NEW_TOKENS)
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=VOCABULARY, hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=1
        )
    )
    # As `generate` does it, on a copy of the config.
    config, _ = model._prepare_generation_config(config)
    model._prepare_special_tokens(config, device="cpu")
    config = model._prepare_generated_length(
        generation_config=config,
        has_default_max_length=True,
        has_default_min_length="min_length" not in fields,
        model_input_name="input_ids",
        input_ids_length=length,
        inputs_tensor=torch.tensor([prompt[:length]]),
    )
    found = model._get_logits_processor(
        config, input_ids_seq_length=length, encoder_input_ids=torch.tensor([prompt[:length]]), device="cpu", model_kwargs={}
    )
    scores = found(torch.tensor([prompt]), logits[None].clone())[0]
    return [None if score == -torch.inf else score for score in scores.tolist()]


def processor_cases(logits: list[torch.Tensor]) -> list[dict[str, Any]]:
    """All fields after all sequences, each with the logits of its turn."""
    cases = []
    for number, (fields, (prompt, answer)) in enumerate(product(FIELDS, SEQUENCES)):
        which = number % len(logits)
        scores = processed(fields, prompt, answer, logits[which])
        cases.append({"logits": which, "fields": fields, "sequence": prompt, "answer": answer, "scores": scores})
    return cases


def warpers(settings: SimpleNamespace) -> LogitsProcessorList:
    """The warpers of `generate`, in its order."""
    found = LogitsProcessorList([TemperatureLogitsWarper(settings.temperature)])
    if settings.top_k is not None:
        found.append(TopKLogitsWarper(settings.top_k))
    if settings.top_p is not None:
        found.append(TopPLogitsWarper(settings.top_p))
    if settings.min_p is not None:
        found.append(MinPLogitsWarper(settings.min_p))
    return found


def warper_case(logits: list[torch.Tensor], number: int, **settings: Any) -> dict[str, Any] | None:
    """One case; none where top-p would cut between equal logits, of which transformers keeps an arbitrary one."""
    scores = warpers(SimpleNamespace(**settings))(torch.tensor([[0]]), logits[number][None].clone())[0]
    kept = torch.isfinite(scores).nonzero().flatten().tolist()
    dropped = {value for index, value in enumerate(logits[number].tolist()) if index not in kept}
    if settings["top_p"] is not None and dropped & {logits[number][index].item() for index in kept}:
        return None
    return {"logits": number, **settings, "kept": kept, "scores": scores[kept].tolist()}


def warper_cases(logits: list[torch.Tensor]) -> list[dict[str, Any]]:
    """Temperature with none, one or all of the others."""
    settings = product(range(len(logits)), (1.0, 0.7, 2.0), (None, 1, 5), (None, 0.3, 0.95), (None, 0.1))
    cases = [
        warper_case(logits, number, temperature=temperature, top_k=k, top_p=p, min_p=m)
        for number, temperature, k, p, m in settings
        if sum(value is not None for value in (k, p, m)) in (0, 1, 3)
    ]
    return [case for case in cases if case is not None]


def write(path: Path, logits: list[torch.Tensor], cases: list[dict[str, Any]], **facts: Any) -> None:
    """One case a line."""
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
    head = json.dumps({**facts, "logits": [values.tolist() for values in logits]})
    path.write_text(f'{head[:-1]}, "cases": [\n{lines}\n]}}\n', encoding="utf-8")
    print(f"{path}: {len(cases)} cases, {path.stat().st_size} bytes")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=REPOSITORY / "crates/sah-adapter/tests/reference", help="folder to write")
    out = parser.parse_args().out
    logits = all_logits()
    facts = {"eos": EOS, "max_new_tokens": MAX_NEW_TOKENS}
    write(out / "logits_processors.json", logits, processor_cases(logits), **facts)
    write(out / "logits_warpers.json", logits, warper_cases(logits))


if __name__ == "__main__":
    main()
