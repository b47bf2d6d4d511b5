"""StreamingLLM (sink plus local window) as a plain masked softmax, for transformers' attention interface.

Written to be read, not to be fast: it makes every score and masks most of them away.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from transformers import AttentionInterface


@dataclass(frozen=True)
class StreamingLlm:
    """The first `sink_size` keys and the last `local_window` keys up to the query's own position."""

    sink_size: int = 4
    local_window: int = 64

    def visible(self, queries: int, keys: int) -> torch.Tensor:
        """Which keys each query may read: bool [Q, K].

        The `queries` rows are the last of `keys` positions, so row i stands at position p = K - Q + i. It sees key
        j <= p if j < sink_size or j > p - local_window. When the cache is so short that K <= sink_size or
        K <= local_window + Q, every key j <= p is visible.
        """
        position = torch.arange(keys - queries, keys).unsqueeze(1)
        key = torch.arange(keys).unsqueeze(0)
        causal = key <= position
        if keys <= self.sink_size or keys <= self.local_window + queries:
            return causal
        return causal & ((key < self.sink_size) | (key > position - self.local_window))

    def attend(
        self,
        module: torch.nn.Module,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        attention_mask: torch.Tensor | None,
        scaling: float,
        **_: Any,
    ) -> tuple[torch.Tensor, None]:
        """softmax(scaling * q k^T, over the visible keys) v.

        `query` is [B, H, Q, D], `key` and `value` are [B, Hkv, K, D] with the whole cache; head h reads KV head
        h // (H / Hkv). Returns [B, Q, H, D]. The signature is transformers'.
        """
        if attention_mask is not None:
            raise ValueError("this attention makes its own mask")
        group = query.shape[1] // key.shape[1]
        key = key.repeat_interleave(group, dim=1)
        value = value.repeat_interleave(group, dim=1)
        scores = query @ key.transpose(2, 3) * scaling
        scores = scores.masked_fill(~self.visible(query.shape[2], key.shape[2]), float("-inf"))
        return (scores.softmax(dim=-1) @ value).transpose(1, 2), None

    def register(self) -> str:
        """Makes the attention known to transformers; returns the name for `set_attn_implementation`."""
        name = f"streaming_llm_{self.sink_size}_{self.local_window}"
        AttentionInterface.register(name, self.attend)
        return name
