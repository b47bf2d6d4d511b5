"""StreamingLLM in Python: the first keys and the last ones. The twin of the preset `streaming_llm`.

    python -m sah bench ruler --attention streaming.py:Streaming
"""

import torch

import sah


class Streaming(sah.Masker):
    """The first `sinks` keys, and for each row the last `window` keys that it may read."""

    def __init__(self, sinks: int = 4, window: int = 64) -> None:
        self.sinks = sinks
        self.window = window

    def select(self, queries, keys, values, layer, previous):
        rows, count = queries.shape[2], keys.shape[2]
        last = (position + 1 for position in range(count - rows, count))
        return sah.Ranges([[(0, min(self.sinks, end)), (max(0, end - self.window), end)] for end in last])


class BestKeys(sah.Masker):
    """The keys with the largest exact scores beside sinks and a window: the twin of the preset `oracle_top_k`.

    As a ten-line masker has it, in plain PyTorch.
    """

    def __init__(self, share: float = 0.1) -> None:
        self.share = share

    def select(self, queries, keys, values, layer, previous):
        group = queries.shape[1] // keys.shape[1]
        scores = layer.scale * queries @ keys.repeat_interleave(group, dim=1).transpose(-2, -1)
        return sah.Best(scores.float(), int(self.share * keys.shape[2]))


class Newest(sah.Masker):
    """The last key alone."""

    def select(self, queries, keys, values, layer, previous):
        batch, heads, rows, _ = queries.shape
        last = torch.arange(keys.shape[2] - rows, keys.shape[2])
        return last.view(1, 1, rows, 1).expand(batch, heads, rows, 1)
