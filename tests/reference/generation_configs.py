"""Writes tests/fixtures/generation_configs.json: greedy answers of transformers' `generate` with many a generation_config.json.

The model is the tiny random one in tests/fixtures/models/qwen3, in f32, whose prompts are plain texts of single characters.
Each case is a generation_config.json that is written beside it, as a folder of the hub has one, and loaded from there. Answers
in which the two best tokens came too close are left out.
"""

from __future__ import annotations

import argparse
import json
import math
import shutil
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, logging

REPOSITORY = Path(__file__).resolve().parents[2]
MODEL = REPOSITORY / "tests/fixtures/models/qwen3"
NEW_TOKENS = 16
# Two answers may part by chance where the two best tokens are closer.
MARGIN = 1e-3
EOS = {"eos_token_id": [3, 1]}

PROMPTS = (
    "The fox, the lake and the fox again: what did the fox see?",
    "1 2 3 4 5 6 7 8 9; 1 2 3 4 5 6 7 8 9; 1 2",
    "a",
    "Once upon a time, in a house by the sea,",
    "~!@#$%^&*()_+ ~!@#$%^&*()_+ ~!@",
)


def configs(plain: list[int]) -> list[dict[str, Any]]:
    """Fields of generation configs. `plain` is an answer without any, so that what they forbid matters."""
    first, second, third = plain[:3]
    return [
        {},
        {"repetition_penalty": 1.1},
        {"repetition_penalty": 1.8},
        {"repetition_penalty": 0.7},
        {"encoder_repetition_penalty": 1.5},
        {"no_repeat_ngram_size": 1},
        {"no_repeat_ngram_size": 2},
        {"no_repeat_ngram_size": 4},
        {"encoder_no_repeat_ngram_size": 1},
        {"encoder_no_repeat_ngram_size": 2},
        {"suppress_tokens": [first, second]},
        {"suppress_tokens": [-1]},
        {"begin_suppress_tokens": [first, 3, 1]},
        {"bad_words_ids": [[first], [second, third], [3], [1]]},
        {"sequence_bias": [[[first], -4.0], [[second, third], 6.5], [[40], 1.5]]},
        {"min_length": 70},
        {"min_new_tokens": 12, "min_length": 3},
        {"eos_token_id": [first, third], "min_new_tokens": 6},
        {"eos_token_id": second, "min_length": 64},
        {"forced_bos_token_id": 33},
        {"forced_bos_token_id": 33, "begin_suppress_tokens": [first, 33]},
        {"forced_eos_token_id": 3},
        {"forced_eos_token_id": [1, 3]},
        {"exponential_decay_length_penalty": [3, 1.7]},
        {"exponential_decay_length_penalty": [0, 1.3]},
        {"remove_invalid_values": True, "suppress_tokens": [first]},
        {"repetition_penalty": 1.3, "no_repeat_ngram_size": 3, "suppress_tokens": [second], "min_new_tokens": 16},
        # Left out of greedy decoding by transformers as well.
        {"do_sample": True, "temperature": 0.7, "top_k": 20, "top_p": 0.8, "repetition_penalty": 1.05},
    ]


def answers(folder: Path, config: dict[str, Any]) -> list[dict[str, Any]]:
    """What `generate` answers with `config` beside the model, to the prompts whose answers are no matter of rounding."""
    (folder / "generation_config.json").write_text(json.dumps(EOS | config))
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    found = []
    for prompt in PROMPTS:
        inputs = tokenizer(prompt, return_tensors="pt")
        output = model.generate(
            inputs.input_ids,
            attention_mask=inputs.attention_mask,
            do_sample=False,
            num_beams=1,
            max_new_tokens=NEW_TOKENS,
            return_dict_in_generate=True,
            output_scores=True,
        )
        ids = output.sequences[0, inputs.input_ids.shape[1] :].tolist()
        if min(map(margin, output.scores)) > MARGIN:
            found.append({"prompt": prompt, "ids": ids})
    assert found, f"{config}: no answer is clear"
    return found


def margin(scores: torch.Tensor) -> float:
    """How far the best token is above the second best; of tokens that were forced, the first is chosen."""
    first, second = scores[0].topk(2).values.tolist()
    return math.inf if torch.isfinite(scores).sum() <= 2 else first - second


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=REPOSITORY / "tests/fixtures/generation_configs.json", help="file to write")
    arguments = parser.parse_args()
    logging.set_verbosity_error()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "model"
        shutil.copytree(MODEL, folder)
        plain = max((answer["ids"] for answer in answers(folder, {})), key=len)
        cases = [{"config": EOS | config, "answers": answers(folder, config)} for config in configs(plain)]
    head = {"max_new_tokens": NEW_TOKENS, "versions": {name: version(name) for name in ("torch", "transformers")}}
    lines = ",\n".join(json.dumps(case) for case in cases)
    arguments.out.write_text(json.dumps(head)[:-1] + f', "cases": [\n{lines}\n]}}\n', encoding="utf-8")
    print(f"{arguments.out}: {len(cases)} cases, {arguments.out.stat().st_size} bytes")


if __name__ == "__main__":
    main()
