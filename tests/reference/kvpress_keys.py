"""Which keys kvpress 0.5.5 keeps with the default model, and its greedy answers, beside this project's.

    cargo xtask example retained_keys < /dev/null    # builds it, and fails for want of a request
    $(tests/reference/venv.sh kvpress) tests/reference/kvpress_keys.py [--tokens 600,2000] [--ratios 0.5] [PRESS ..]

A table: the share of keys that both keep, keys whose scores tie at the cut and so may go either way, and how many greedy tokens
are the same until the first that is not. In f32, with one thread; the context is text of this repository.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import subprocess
import sys

import kvpress
import torch
from kvpress.presses import kvzip_press
from transformers import DynamicCache

import model as reference

sys.path.append(str(reference.REPOSITORY / "crates/sah-adapter/tests/reference"))
from kept_keys import kept  # noqa: E402

PROGRAM = reference.REPOSITORY / "target/release/examples/retained_keys"
# A text that does not change.
TEXT = reference.REPOSITORY / "crates/sah-longbench/data/sample"
QUESTION = "\n\nQuestion: What is this text about?\nAnswer:"
ANSWER_TOKENS = 24
REPEAT = ["\n\nRepeat the previous context exactly.",
          "\n\nRepeat the part of the previous context exactly, starting with", "\n"]
EXPECTED = dict(epsilon=0.01)
# Our rules, the press, and whether it needs the weights of attention.
PRESSES = {
    "streaming_llm": ([{"type": "streaming_llm"}], kvpress.StreamingLLMPress),
    "knorm": ([{"type": "knorm"}], kvpress.KnormPress),
    "keydiff": ([{"type": "keydiff"}], kvpress.KeyDiffPress),
    "lagkv": ([{"type": "lagkv"}], kvpress.LagKVPress),
    "tova": ([{"type": "tova"}], kvpress.TOVAPress),
    "snapkv": ([{"type": "snapkv"}], kvpress.SnapKVPress),
    "pyramidkv": ([{"type": "snapkv"}, {"type": "pyramid"}], kvpress.PyramidKVPress),
    "expected_attention": ([{"type": "expected_attention"}], kvpress.ExpectedAttentionPress),
    "observed_attention": ([{"type": "observed_attention"}], kvpress.ObservedAttentionPress),
    "adakv_snapkv": ([{"type": "snapkv"}, {"type": "adakv"}], lambda ratio: kvpress.AdaKVPress(kvpress.SnapKVPress(ratio))),
    "adakv_keydiff": ([{"type": "keydiff"}, {"type": "adakv"}], lambda ratio: kvpress.AdaKVPress(kvpress.KeyDiffPress(ratio))),
    "adakv_expected_attention": (
        [{"type": "expected_attention", **EXPECTED}, {"type": "adakv"}],
        lambda ratio: kvpress.AdaKVPress(kvpress.ExpectedAttentionPress(ratio, **EXPECTED))),
    "criticalkv_snapkv": ([{"type": "snapkv"}, {"type": "criticalkv"}],
                          lambda ratio: kvpress.CriticalKVPress(kvpress.SnapKVPress(ratio))),
    "critical_adakv_snapkv": ([{"type": "snapkv"}, {"type": "adakv"}, {"type": "criticalkv"}],
                              lambda ratio: kvpress.CriticalAdaKVPress(kvpress.SnapKVPress(ratio))),
    "chunkkv_snapkv": ([{"type": "snapkv"}, {"type": "chunkkv"}],
                       lambda ratio: kvpress.ChunkKVPress(kvpress.SnapKVPress(ratio))),
    "kvzip": ([{"type": "kvzip"}, {"type": "shared_budget"}], kvpress.KVzipPress),
}


class Tokenizer:
    """What KVzip asks for its prompts: without a chat template, so that nothing stands before the context."""

    chat_template = None

    def __init__(self, tokenizer):
        self.tokenizer = tokenizer

    def encode(self, text, return_tensors=None, add_special_tokens=False):
        return self.tokenizer.encode(text, return_tensors=return_tensors, add_special_tokens=False)

    @classmethod
    def stand_in(cls, tokenizer):
        """Something whose `from_pretrained` gives it."""
        made = cls(tokenizer)
        return type("Tokenizers", (), {"from_pretrained": staticmethod(lambda name: made)})


def text_tokens(tokenizer, count):
    """The first tokens of the bundled sample."""
    text = "\n".join(path.read_text() for path in sorted(TEXT.rglob("*.jsonl")))
    ids = tokenizer.encode(text, add_special_tokens=False)
    if len(ids) < count:
        raise SystemExit(f"{TEXT} has {len(ids)} tokens, and {count} are wanted")
    return ids[:count]


def theirs(network, make, ratio, context, question):
    """Positions that stay, and the greedy answer."""
    eager = isinstance(make(ratio), kvpress.ObservedAttentionPress)
    network.set_attn_implementation("eager" if eager else "sdpa")
    for layer in network.model.layers:
        layer.self_attn.masked_key_indices = None
    whole, cache, ids = DynamicCache(), DynamicCache(), torch.tensor([context])
    network.model(ids, past_key_values=whole)
    with make(ratio)(network):
        network.model(input_ids=ids, past_key_values=cache)
    positions, answer = kept(network, [layer.keys for layer in whole.layers], cache), []
    place, pending = len(context), list(question)
    while len(answer) < ANSWER_TOKENS:
        token = pending.pop(0)
        where = torch.tensor([[place]])
        logits = network(input_ids=torch.tensor([[token]]), past_key_values=cache, position_ids=where).logits[0, -1]
        place += 1
        if not pending:
            answer.append(int(logits.argmax()))
            pending.append(answer[-1])
    for layer in network.model.layers:
        layer.self_attn.masked_key_indices = None
    return positions, answer


def ours(tokenizer, cases, context, question):
    """The same for each case, by this project."""
    encode = lambda text: tokenizer.encode(text, add_special_tokens=False)
    request = {"context": context, "question": question, "repeat": [encode(text) for text in REPEAT],
               "answer_tokens": ANSWER_TOKENS, "cases": cases}
    torch_folder = reference.REPOSITORY / ".libtorch/torch/lib"
    environment = os.environ | {"LD_LIBRARY_PATH": str(torch_folder), "OMP_NUM_THREADS": "1"}
    done = subprocess.run([PROGRAM], input=json.dumps(request), capture_output=True, text=True, env=environment, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def main():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokens", default="600,2000")
    parser.add_argument("--ratios", default="0.5")
    parser.add_argument("presses", nargs="*", default=list(PRESSES), metavar="PRESS")
    given = parser.parse_args()
    logging.disable(logging.WARNING)
    torch.set_num_threads(1)
    loaded = reference.load()
    network, tokenizer = loaded.model, loaded.tokenizer
    kvzip_press.AutoTokenizer = Tokenizer.stand_in(tokenizer)
    question = tokenizer.encode(QUESTION, add_special_tokens=False)
    ratios = [float(ratio) for ratio in given.ratios.split(",")]
    print("| retention | tokens | ratio | same keys | greedy tokens alike |\n|---|---|---|---|---|", flush=True)
    for count in map(int, given.tokens.split(",")):
        context = text_tokens(tokenizer, count)
        pairs = [(name, ratio) for name in given.presses for ratio in ratios]
        cases = [{"ratio": ratio, "rules": PRESSES[name][0]} for name, ratio in pairs]
        for (name, ratio), found in zip(pairs, ours(tokenizer, cases, context, question)):
            with torch.no_grad():
                positions, answer = theirs(network, PRESSES[name][1], ratio, context, question)
            heads = [(set(a), set(b)) for layers in zip(found["kept"], positions) for a, b in zip(*layers)]
            same, most = sum(len(a & b) for a, b in heads), sum(max(len(a), len(b)) for a, b in heads)
            alike = next((at for at, (a, b) in enumerate(zip(found["answer"], answer)) if a != b), len(answer))
            print(f"| `{name}` | {count} | {ratio} | {100 * same / most:.2f} % | {alike} of {len(answer)} |", flush=True)


if __name__ == "__main__":
    main()
