"""transformers as a peer for paired speed measurements: SDPA and a DynamicCache, f32, on the CPU.

`speed_peer.py` says what it is asked and what it answers. What keeps the comparison fair: the prefill asks for the
logits of the last position only, and decoding is a bare loop of forward passes, not `generate`.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from transformers import DynamicCache

import model
import speed_peer


class Transformers:
    """The reference model behind the interface of a peer."""

    def __init__(self, reference: model.ReferenceModel) -> None:
        """Takes a loaded model."""
        self.reference = reference
        self.cache = DynamicCache(config=reference.model.config)

    def encode(self, text: str) -> list[int]:
        """The tokens of a text."""
        return self.reference.tokenizer.encode(text, add_special_tokens=False)

    def read(self, ids: Sequence[int], room: int) -> None:
        """Starts a new cache, which grows as it is used."""
        self.cache = DynamicCache(config=self.reference.model.config)
        self.step(ids)

    def step(self, ids: Sequence[int]) -> int:
        """One forward pass."""
        output = self.reference.model(
            input_ids=torch.tensor([list(ids)]), past_key_values=self.cache, use_cache=True, logits_to_keep=1
        )
        return int(output.logits[0, -1].argmax())

    def back_to(self, length: int) -> None:
        """Crops the cache."""
        self.cache.crop(length)


def main() -> None:
    """The command line."""
    arguments = speed_peer.arguments(__doc__)
    torch.set_num_threads(arguments.threads)
    with torch.inference_mode():
        peer = Transformers(model.load(arguments.model))
        speed_peer.serve(peer, ["transformers", "torch"])


if __name__ == "__main__":
    main()
