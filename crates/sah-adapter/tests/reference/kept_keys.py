#!/usr/bin/env python3
"""Writes kept_keys/: three models of random weights, and what kvpress 0.5.5 makes of their caches.

    cargo xtask bless kept-keys

A Llama, a Qwen3 and a Phi-3 (4 layers, 8 query heads over 2, 4 of the Phi-3, 16 elements) read contexts of random tokens under each press. kept.json
has, for each, the positions that stay in every layer and head, as the bits of a hexadecimal number, the first position the lowest, and the
logits of the first new token, after a question that is read token by token: where layers differ in length, kvpress lets the tokens of a
question see later ones if they are read together. Python 3.11 made the files.
"""

import json
import logging
import pathlib
import sys

import kvpress
import numpy
import torch
from kvpress.presses import duo_attention_press, kvzip_press
from transformers import BatchEncoding, DynamicCache, LlamaConfig, LlamaForCausalLM, Phi3Config, Phi3ForCausalLM, Qwen3Config, Qwen3ForCausalLM

FOLDER = pathlib.Path(__file__).with_suffix("")
RATIOS = {3: [0.3, 0.5, 0.8], 70: [0.3, 0.8], 600: [0.5, 0.8]}
QUESTION = [5, 17, 2, 60, 41, 8]
SIZES = dict(
    vocab_size=97, hidden_size=32, intermediate_size=48, num_hidden_layers=4, num_attention_heads=8, num_key_value_heads=2,
    initializer_range=0.3, max_position_embeddings=4096, pad_token_id=0, tie_word_embeddings=True,
)
MODELS = {
    "llama": lambda: LlamaForCausalLM(LlamaConfig(head_dim=16, **SIZES)),
    "qwen3": lambda: Qwen3ForCausalLM(Qwen3Config(head_dim=16, **SIZES)),
    "phi3": lambda: Phi3ForCausalLM(Phi3Config(**(SIZES | dict(hidden_size=64, num_attention_heads=4, initializer_range=0.2)))),
}
# What a model is asked while it repeats its context: its tokenizer is made up, each text has these tokens.
PROMPTS = {"": [], "\n": [90], "\n\nRepeat the previous context exactly.": [91, 92, 93],
           "\n\nRepeat the part of the previous context exactly, starting with": [94, 95]}
# Scores of heads for DuoAttention, and its sizes.
PATTERN = (4, 20, numpy.arange(8).reshape(4, 2) * 37 % 101 / 101)
ONES = lambda press: (lambda ratio: press(compression_ratio=ratio))
# Our rules, and the press that they stand for.
PRESSES = [
    ([{"type": "streaming_llm"}], ONES(kvpress.StreamingLLMPress)),
    ([{"type": "knorm"}], ONES(kvpress.KnormPress)),
    ([{"type": "keydiff"}], ONES(kvpress.KeyDiffPress)),
    ([{"type": "lagkv", "sinks": 2, "lag": 16}], lambda ratio: kvpress.LagKVPress(ratio, 2, 16)),
    ([{"type": "tova"}], ONES(kvpress.TOVAPress)),
    ([{"type": "snapkv"}], ONES(kvpress.SnapKVPress)),
    ([{"type": "snapkv", "window": 4}, {"type": "pyramid", "beta": 5}], lambda ratio: kvpress.PyramidKVPress(ratio, 4, 5, 5)),
    ([{"type": "expected_attention"}], ONES(kvpress.ExpectedAttentionPress)),
    ([{"type": "expected_attention", "covariance": False, "epsilon": 0.01, "sinks": 2}],
     lambda ratio: kvpress.ExpectedAttentionPress(ratio, n_sink=2, use_covariance=False, epsilon=0.01)),
    ([{"type": "observed_attention"}], ONES(kvpress.ObservedAttentionPress)),
    ([{"type": "snapkv"}, {"type": "adakv"}], lambda ratio: kvpress.AdaKVPress(kvpress.SnapKVPress(ratio))),
    ([{"type": "expected_attention", "epsilon": 0.01}, {"type": "adakv"}],
     lambda ratio: kvpress.AdaKVPress(kvpress.ExpectedAttentionPress(ratio, epsilon=0.01))),
    ([{"type": "knorm"}, {"type": "criticalkv"}], lambda ratio: kvpress.CriticalKVPress(kvpress.KnormPress(ratio))),
    ([{"type": "snapkv", "window": 8}, {"type": "criticalkv", "first_stage": 0.25}],
     lambda ratio: kvpress.CriticalKVPress(kvpress.SnapKVPress(ratio, 8), first_stage_ratio=0.25)),
    ([{"type": "snapkv", "window": 8}, {"type": "adakv"}, {"type": "criticalkv"}],
     lambda ratio: kvpress.CriticalAdaKVPress(kvpress.SnapKVPress(ratio, 8))),
    ([{"type": "keydiff"}, {"type": "chunkkv"}], lambda ratio: kvpress.ChunkKVPress(kvpress.KeyDiffPress(ratio))),
    ([{"type": "kvzip"}, {"type": "shared_budget"}], ONES(kvpress.KVzipPress)),
    ([{"type": "kvzip", "chunk": 100, "sinks": 2}, {"type": "shared_budget", "over": "layer"}],
     lambda ratio: kvpress.KVzipPress(ratio, layerwise=True, n_sink=2, chunk_size=100)),
    ([{"type": "duo_attention", "pattern_file": "PATTERN"}], lambda ratio: kvpress.DuoAttentionPress(head_compression_ratio=ratio)),
]


# Texts from which scores of heads are made anew: their tokens.
TEXTS = [torch.randint(1, 90, (1, length), generator=torch.Generator().manual_seed(length)) for length in (40, 90)]


class Texts:
    """A data set of TEXTS, by their numbers, and its tokenizer."""

    def to_pandas(self):
        return self

    def sample(self, count, random_state):
        return {"chapter": self}

    def tolist(self):
        return list(range(len(TEXTS)))

    def __call__(self, text, return_tensors):
        return BatchEncoding({"input_ids": TEXTS[text]})


class Tokenizer:
    chat_template = None

    def encode(self, text, return_tensors, add_special_tokens):
        return torch.tensor([PROMPTS[text]], dtype=torch.long)


class Tokenizers:
    def __init__(self, tokenizer):
        self.from_pretrained = lambda name: tokenizer


def kept(model, before, cache):
    """Positions that stay of each layer and head."""
    positions = []
    for module, keys, layer in zip((layer.self_attn for layer in model.model.layers), before, cache.layers):
        heads, n = keys.shape[1:3]
        masked = getattr(module, "masked_key_indices", None)
        if masked is not None:
            there = torch.ones(heads, n, dtype=torch.bool)
            there[masked[1], masked[2]] = False
            positions.append([head.nonzero().flatten().tolist() for head in there])
            continue
        of_layer = []
        for rows, left in zip(keys[0], layer.keys[0]):
            where = {}
            for index, row in enumerate(rows):
                where.setdefault(row.contiguous().numpy().tobytes(), []).append(index)
            of_layer.append(sorted(where[row.contiguous().numpy().tobytes()].pop(0) for row in left))
        positions.append(of_layer)
    return positions


def run(model, make, ratio, length):
    """What stays, and the logits after the question."""
    ids = torch.randint(1, 90, (1, length), generator=torch.Generator().manual_seed(length))
    for layer in model.model.layers:
        layer.self_attn.masked_key_indices = None
    whole = DynamicCache()
    model.model(ids, past_key_values=whole)
    before = [layer.keys.clone() for layer in whole.layers]
    press, cache = make(ratio), DynamicCache()
    with press(model):
        model.model(input_ids=ids, past_key_values=cache)
    positions = kept(model, before, cache)
    for place, token in enumerate(QUESTION):
        where = torch.tensor([[length + place]])
        logits = model(input_ids=torch.tensor([[token]]), past_key_values=cache, position_ids=where).logits[0, -1]
    for layer in model.model.layers:
        layer.self_attn.masked_key_indices = None
    return positions, logits


def main():
    kvzip_press.AutoTokenizer = Tokenizers(Tokenizer())
    duo_attention_press.AutoTokenizer = Tokenizers(Texts())
    kvpress.DuoAttentionPress.load_attention_pattern = staticmethod(lambda model: PATTERN)
    torch.set_num_threads(1)
    logging.disable(logging.WARNING)
    duo_attention_press.load_dataset = lambda name, split: Texts()
    cases, patterns = [], {}
    for name, build in MODELS.items():
        torch.manual_seed(7)
        built = build().eval()
        for layer in built.model.layers if name == "qwen3" else []:
            # With weights of 1 all keys of a head would have the same norm.
            layer.self_attn.k_norm.weight.data.uniform_(0.5, 1.5)
        built.save_pretrained(FOLDER / name)
        for attention in ["sdpa", "eager"]:
            model = type(build()).from_pretrained(FOLDER / name, attn_implementation=attention).eval()
            # CriticalKVPress reads it there, where a Phi-3 has none.
            model.config.head_dim = 16
            for rules, make in PRESSES:
                if (rules[0]["type"] == "observed_attention") != (attention == "eager"):
                    continue
                for length, ratios in RATIOS.items():
                    for ratio in ratios:
                        try:
                            with torch.no_grad():
                                positions, logits = run(model, make, ratio, length)
                        except (AssertionError, AttributeError, ValueError) as refused:
                            print(f"{name} {length} {ratio} {rules}: {refused}", file=sys.stderr)
                            continue
                        bits = [[f"{sum(1 << key for key in head):x}" for head in heads] for heads in positions]
                        logits = [float(f"{logit:.6g}") for logit in logits]
                        cases.append(
                            {"model": name, "length": length, "ratio": ratio, "rules": rules, "kept": bits, "logits": logits}
                        )
        if name != "phi3":  # it has no query projection of its own, which kvpress looks for
            with torch.no_grad():
                patterns[name] = duo_attention_press.duo_attention_on_the_fly(model, len(TEXTS)).tolist()
        (FOLDER / name / "generation_config.json").unlink(missing_ok=True)
    contexts = {
        length: torch.randint(1, 90, (1, length), generator=torch.Generator().manual_seed(length))[0].tolist() for length in RATIOS
    }
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
    texts = [text[0].tolist() for text in TEXTS]
    head = {"question": QUESTION, "contexts": contexts, "texts": texts, "patterns": patterns}
    head = json.dumps(head, separators=(",", ":"))
    (FOLDER / "kept.json").write_text(f'{head[:-1]},"cases":[\n{lines}\n]}}\n')
    (FOLDER / "full_attention_heads.tsv").write_text("".join("\t".join(f"{x:.17g}" for x in heads) + "\n" for heads in PATTERN[2]))
    (FOLDER / "config.json").write_text(json.dumps({"sink_size": PATTERN[0], "recent_size": PATTERN[1]}) + "\n")


if __name__ == "__main__":
    main()
