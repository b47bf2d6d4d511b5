#!/usr/bin/env python3
"""Writes retention.json and retention.safetensors: the scores of kvpress 0.5.5, and the keys that it keeps.

    cargo xtask bless retention

A Llama of random weights (2 layers, 4 query heads over 2, 8 elements) reads contexts of random tokens. The tensors file has what a
retention looks at, for each context `n` and layer: keys, values and the last 64 rotated queries; and the scores of each press. The
JSON file has, for each press and ratio, the positions that stay in each layer and head, as the bits of a hexadecimal number, the first
position the lowest. Python 3.11 made the files.
"""

import json
import pathlib
import sys

import torch
from kvpress import AdaKVPress, ChunkKVPress, KeyDiffPress, KnormPress, LagKVPress, PyramidKVPress, SnapKVPress, StreamingLLMPress, TOVAPress
from kvpress.utils import get_prerope_query_states
from safetensors.torch import save_file
from transformers import DynamicCache, LlamaConfig, LlamaForCausalLM
from transformers.models.llama.modeling_llama import rotate_half

LENGTHS = [3, 70, 150, 601]
RATIOS = [0.25, 0.5, 0.75, 0.9]
QUERIES = 64
# Our rules, and the press that they stand for.
PRESSES = [
    ([{"type": "streaming_llm"}], lambda ratio: StreamingLLMPress(ratio)),
    ([{"type": "knorm"}], lambda ratio: KnormPress(ratio)),
    ([{"type": "keydiff"}], lambda ratio: KeyDiffPress(ratio)),
    ([{"type": "lagkv"}], lambda ratio: LagKVPress(ratio)),
    ([{"type": "lagkv", "sinks": 2, "lag": 16, "cross_scoring": True}], lambda ratio: LagKVPress(ratio, 2, 16, True)),
    ([{"type": "tova"}], lambda ratio: TOVAPress(ratio)),
    ([{"type": "snapkv"}], lambda ratio: SnapKVPress(ratio)),
    ([{"type": "snapkv", "window": 16, "kernel": 7}], lambda ratio: SnapKVPress(ratio, 16, 7)),
    ([{"type": "snapkv"}, {"type": "pyramid"}], lambda ratio: PyramidKVPress(ratio)),
    ([{"type": "snapkv", "window": 4}, {"type": "pyramid", "beta": 5}], lambda ratio: PyramidKVPress(ratio, 4, 5, 5)),
    ([{"type": "snapkv"}, {"type": "adakv"}], lambda ratio: AdaKVPress(SnapKVPress(ratio))),
    ([{"type": "keydiff"}, {"type": "adakv", "alpha": 0.5}], lambda ratio: AdaKVPress(KeyDiffPress(ratio), 0.5)),
    ([{"type": "snapkv"}, {"type": "chunkkv"}], lambda ratio: ChunkKVPress(SnapKVPress(ratio))),
    ([{"type": "knorm"}, {"type": "chunkkv", "length": 7}], lambda ratio: ChunkKVPress(KnormPress(ratio), 7)),
]


def model():
    torch.manual_seed(5)
    config = LlamaConfig(
        vocab_size=97, hidden_size=32, intermediate_size=32, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
        head_dim=8, initializer_range=0.3, max_position_embeddings=1024,
    )
    return LlamaForCausalLM(config).eval()


def read(network, length):
    """What each attention module was given and left in the cache."""
    calls, handles = [], []
    for layer in network.model.layers:
        hook = lambda module, args, kwargs, output: calls.append((module, kwargs))
        handles.append(layer.self_attn.register_forward_hook(hook, with_kwargs=True))
    cache = DynamicCache()
    ids = torch.randint(0, 97, (1, length), generator=torch.Generator().manual_seed(length))
    network.model(ids, past_key_values=cache)
    [handle.remove() for handle in handles]
    return [(module, kwargs, cache.layers[number]) for number, (module, kwargs) in enumerate(calls)]


def last_queries(module, kwargs):
    queries = get_prerope_query_states(module, kwargs["hidden_states"][:, -QUERIES:])
    cos, sin = (part[:, -QUERIES:].unsqueeze(1) for part in kwargs["position_embeddings"])
    return queries * cos + rotate_half(queries) * sin


def kept(press, module, kwargs, layer):
    """The positions that stay of each head, in order."""
    module.masked_key_indices = None
    keys, _ = press.compress(module, kwargs["hidden_states"], layer.keys, layer.values, None, kwargs)
    heads, n = layer.keys.shape[1:3]
    if module.masked_key_indices is not None:
        gone = torch.zeros(heads, n, dtype=torch.bool)
        gone[module.masked_key_indices[1], module.masked_key_indices[2]] = True
        return [(~head).nonzero().flatten().tolist() for head in gone]
    positions = []
    for rows, left in zip(layer.keys[0], keys[0]):
        where = {}
        for index, row in enumerate(rows):
            where.setdefault(row.contiguous().numpy().tobytes(), []).append(index)
        positions.append(sorted(where[row.contiguous().numpy().tobytes()].pop(0) for row in left))
    return positions


def main():
    network = model()
    tensors, cases = {}, []
    with torch.no_grad():
        for length in LENGTHS:
            layers = read(network, length)
            for number, (module, kwargs, layer) in enumerate(layers):
                place = f"{length}.{number}"
                tensors[f"{place}.keys"] = layer.keys.contiguous()
                tensors[f"{place}.values"] = layer.values.contiguous()
                tensors[f"{place}.queries"] = last_queries(module, kwargs).contiguous()
            for press_number, (rules, make) in enumerate(PRESSES):
                scorer = make(0.5)
                scorer = getattr(scorer, "press", scorer)
                try:
                    scores = [
                        scorer.score(module, kwargs["hidden_states"], layer.keys, layer.values, None, kwargs)[0]
                        for module, kwargs, layer in layers
                    ]
                except AssertionError as refused:
                    print(f"{length} {rules}: {refused}", file=sys.stderr)
                    continue
                if len(rules) == 1 and rules[0]["type"] != "streaming_llm":
                    for number, of_layer in enumerate(scores):
                        tensors[f"{length}.{number}.scores.{press_number}"] = of_layer.contiguous()
                for ratio in RATIOS:
                    press = make(ratio)
                    of_layers = [kept(press, module, kwargs, layer) for module, kwargs, layer in layers]
                    bits = [[f"{sum(1 << key for key in head):x}" for head in heads] for heads in of_layers]
                    cases.append({"length": length, "rules": rules, "scores": press_number, "ratio": ratio, "kept": bits})
    path = pathlib.Path(__file__)
    save_file(tensors, path.with_suffix(".safetensors"))
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
    path.with_suffix(".json").write_text(f"[\n{lines}\n]\n")


main()
