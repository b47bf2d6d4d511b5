"""Attention of layers of transformers, by our engine: a function among transformers' own."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any, Protocol

import torch

#: Our name among transformers' attention functions.
NAME = "sah"
#: What attention of other kinds is given, which ours does not do.
_REFUSED = ("position_bias", "attention_bias", "head_mask", "alibi")

#: The pass at work: `calls`, and the `window` of the layer that attends.
running = threading.local()


class Calls(Protocol):
    """Takes the layers of a pass, one after another."""

    def attend(
        self,
        queries: torch.Tensor,
        keys: torch.Tensor,
        values: torch.Tensor,
        scale: float,
        soft_cap: float | None,
        sinks: torch.Tensor | None,
        /,
    ) -> torch.Tensor: ...


@contextlib.contextmanager
def attending(calls: Calls, configs: list[Any]) -> Iterator[None]:
    """While layers with these configs attend by `calls`."""
    before = [config._attn_implementation for config in configs]
    outer = getattr(running, "calls", None)
    running.calls = calls
    for config in configs:
        config._attn_implementation = NAME
    try:
        yield
    finally:
        running.calls = outer
        for config, implementation in zip(configs, before):
            config._attn_implementation = implementation


def register() -> None:
    """Makes our attention function known to transformers."""
    from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

    if NAME not in ALL_ATTENTION_FUNCTIONS.valid_keys():
        ALL_ATTENTION_FUNCTIONS.register(NAME, _attend)


def _attend(
    module: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    is_causal: bool | None = None,
    **given: Any,
) -> tuple[torch.Tensor, None]:
    """Attention of a layer, as transformers asks for it: new queries, keys and values `[1, heads, Q, D]` in, `[1, Q, H, Dv]` out."""
    calls = getattr(running, "calls", None)
    if calls is None:
        raise RuntimeError("this attention works inside models of sah.transformers alone; set another attn_implementation")
    for word in _REFUSED:
        if given.get(word) is not None:
            raise NotImplementedError(f"{type(module).__name__} gives {word} to its attention, which sah does not do")
    if is_causal is False or getattr(module, "is_causal", True) is False:
        raise NotImplementedError(f"{type(module).__name__} reads keys behind a query, which sah does not do")
    running.window = _window(module, given.get("sliding_window"))
    if scaling is None:
        scaling = getattr(module, "scaling", None) or query.shape[-1] ** -0.5
    output = calls.attend(query, key, value, float(scaling), given.get("softcap"), given.get("s_aux"))
    return output.transpose(1, 2).contiguous(), None


def _window(module: Any, given: int | None) -> int | None:
    """How many keys a row of the layer reads, as its mask would have it."""
    config: Any = getattr(module, "config", None)
    index: int | None = getattr(module, "layer_idx", None)
    types = getattr(config, "layer_types", None)
    if types is None or index is None or index >= len(types):
        return given
    if types[index] == "chunked_attention":
        raise NotImplementedError(f"{type(module).__name__} attends in chunks, which sah does not do")
    if types[index] == "sliding_attention":
        return given or config.sliding_window
    return None
