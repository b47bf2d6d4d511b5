"""Published forms of HashAttention weights, tiny, and what Python makes of them.

Writes into hash_attention/: the files as PyTorch writes them, the tensors they stand for (*.safetensors), which keys their
signatures select (golden.json), and a pickle that would run a command (os_system.pkl).

    cargo xtask bless hash-attention
"""

import collections
import json
import os
import pathlib
import pickle

import safetensors.torch
import torch

HEADS, DIM, HIDDEN, BITS = 2, 4, 6, 8
QUERIES, KEYS, HEAVY = 3, 24, 5
KINDS = {0: torch.float32, 1: torch.bfloat16}  # by layer
OUT = pathlib.Path(__file__).parent / "hash_attention"


def name_storages_by_number():
    """The form before the zip archives names storages by their addresses: now by numbers, so that bytes can be compared."""
    numbers = {}
    number = lambda storage: 10**13 + numbers.setdefault(storage.data_ptr(), len(numbers))
    torch.UntypedStorage._cdata = property(number)
    return numbers


class Command:
    def __reduce__(self):
        return os.system, ("touch /tmp/a-pickle-of-hash-attention-was-run",)


def dictionary():
    """Layer by layer; one matrix is a transposed view, one a view behind another tensor."""
    weights = {}
    for layer, kind in KINDS.items():
        sides = {}
        for side in ("query", "key"):
            whole = torch.randn(1 + HEADS, DIM, HIDDEN, dtype=kind)
            sides[f"{side}_matrix"] = [whole[1:], torch.randn(HEADS, BITS, HIDDEN, dtype=kind).transpose(1, 2)]
            sides[f"{side}_bias"] = [torch.randn(HEADS, HIDDEN, dtype=kind), torch.zeros(HEADS, BITS, dtype=kind)]
        weights[layer] = sides
    return weights


def checkpoint():
    """Head by head; head 1 has no bias in its first matrix, and no head in the second. Other entries lie beside."""
    entries = collections.OrderedDict()
    for layer, kind in KINDS.items():
        for side in "qk":
            for head in range(HEADS):
                name = f"{layer}.learning_to_hash_transformation_{side}.{head}"
                entries[f"{name}.0.weight"] = torch.randn(HIDDEN, DIM, dtype=kind)
                if head == 0:
                    entries[f"{name}.0.bias"] = torch.randn(HIDDEN, dtype=kind)
                entries[f"{name}.2.weight"] = torch.nn.Parameter(torch.randn(BITS, HIDDEN, dtype=kind))
        entries[f"{layer}.scale"] = torch.ones(1, dtype=torch.float64)
    entries._metadata = collections.OrderedDict({"": {"version": 1}})
    return entries


def of_dictionary(weights):
    tensors = {}
    for layer, sides in weights.items():
        for side in ("query", "key"):
            for at, (matrix, bias) in enumerate(zip(sides[f"{side}_matrix"], sides[f"{side}_bias"])):
                tensors[f"layers.{layer}.{side}.{at}.weight"] = matrix.contiguous()
                tensors[f"layers.{layer}.{side}.{at}.bias"] = bias
    return tensors


def of_checkpoint(entries):
    tensors = {}
    for layer, kind in KINDS.items():
        for side, letter in (("query", "q"), ("key", "k")):
            names = [f"{layer}.learning_to_hash_transformation_{letter}.{head}" for head in range(HEADS)]
            for at in (0, 1):
                matrices = [entries[f"{name}.{2 * at}.weight"].detach().T for name in names]
                tensors[f"layers.{layer}.{side}.{at}.weight"] = torch.stack(matrices).contiguous()
            zeros = torch.zeros(HIDDEN, dtype=kind)
            biases = [entries.get(f"{name}.0.bias", zeros) for name in names]
            tensors[f"layers.{layer}.{side}.0.bias"] = torch.stack(biases)
    return tensors


def signatures(tensors, layer, side, vectors):
    """[H, N, bits] of bool for vectors [H, N, D]."""
    x = vectors
    for at in (0, 1):
        bias = tensors.get(f"layers.{layer}.{side}.{at}.bias", torch.zeros(HEADS, 1)).float()
        x = x @ tensors[f"layers.{layer}.{side}.{at}.weight"].float() + bias.unsqueeze(1)
        if at == 0:
            x = torch.nn.functional.silu(x)
    assert x.abs().min() > 1e-4, "a sign that rounding may change"
    return x > 0


def selected(tensors, layer, queries, keys):
    """The keys with the most equal bits among those up to the row's own, the later one of equals: [H][Q][HEAVY]."""
    query, key = signatures(tensors, layer, "query", queries), signatures(tensors, layer, "key", keys)
    equal = (query.unsqueeze(2) == key.unsqueeze(1)).sum(-1)
    rows = lambda head, row: sorted(
        range(KEYS - QUERIES + row + 1), key=lambda at: (-int(equal[head, row, at]), -at)
    )[:HEAVY]
    return [[sorted(rows(head, row)) for row in range(QUERIES)] for head in range(HEADS)]


def main():
    torch.manual_seed(3)
    numbers = name_storages_by_number()
    OUT.mkdir(exist_ok=True)
    queries, keys = torch.randn(HEADS, QUERIES, DIM), torch.randn(HEADS, KEYS, DIM)
    golden = {"torch": torch.__version__, "queries": queries.flatten().tolist(), "keys": keys.flatten().tolist()}

    weights = dictionary()
    for protocol in (3, 4):  # 5 differs in no instruction that is used here
        numbers.clear()
        (OUT / f"dictionary-{protocol}.pkl").write_bytes(pickle.dumps(weights, protocol=protocol))
    entries = checkpoint()
    torch.save(entries, OUT / "checkpoint.pt")
    numbers.clear()
    torch.save(entries, OUT / "checkpoint-legacy.pt", _use_new_zipfile_serialization=False)
    for form, tensors in (("dictionary", of_dictionary(weights)), ("checkpoint", of_checkpoint(entries))):
        safetensors.torch.save_file(tensors, OUT / f"{form}.safetensors")
        golden[form] = [selected(tensors, layer, queries, keys) for layer in KINDS]
    (OUT / "golden.json").write_text(json.dumps(golden) + "\n")

    weights[0]["query_matrix"].append(Command())
    numbers.clear()
    (OUT / "os_system.pkl").write_bytes(pickle.dumps(weights))


if __name__ == "__main__":
    main()
