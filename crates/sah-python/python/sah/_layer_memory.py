"""What layers of transformers without attention remember: caches of transformers that keep no keys."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping
from typing import Any

import torch


def caches_of(model: Any) -> tuple[bool, Callable[[], Any]]:
    """Whether layers without attention remember something, and what makes caches for it."""
    from transformers import DynamicCache, cache_utils

    config = model.config.get_text_config()
    own = [
        cls
        for name, cls in vars(sys.modules[type(model).__module__]).items()
        if isinstance(cls, type) and cls.__module__ == type(model).__module__ and name.endswith("Cache")
    ]
    cls = own[0] if own else DynamicCache
    if not own:
        memory = getattr(cache_utils, "LinearAttentionCacheLayerMixin", ())
        if not any(isinstance(layer, memory) for layer in DynamicCache(config=config).layers):
            return False, lambda: _passing(DynamicCache())
    device = model.get_input_embeddings().weight.device
    layers = int(getattr(config, "num_hidden_layers", 0))
    known = {
        "config": config,
        "batch_size": 1,
        "max_batch_size": 1,
        "dtype": model.dtype,
        "device": device,
        "devices": [device] * layers,
    }
    given = {name: known[name] for name in inspect.signature(cls).parameters if name in known}
    return True, lambda: _passing(cls(**given))


def _passing(cache: Any) -> Any:
    """A cache that keeps no keys: ours does."""
    cache.update = _pass_through
    return cache


def _pass_through(keys: torch.Tensor, values: torch.Tensor, *_: Any, **__: Any) -> tuple[torch.Tensor, torch.Tensor]:
    return keys, values


def bytes_of(cache: Any) -> int:
    """Of the tensors that a cache holds."""
    total = 0
    todo: list[Any] = [cache]
    known: set[int] = set()
    while todo:
        value = todo.pop()
        if id(value) in known:
            continue
        known.add(id(value))
        if isinstance(value, torch.Tensor):
            total += value.numel() * value.element_size()
        elif isinstance(value, Mapping):
            todo += value.values()
        elif isinstance(value, (list, tuple)):
            todo += value
        elif type(value).__module__.startswith("transformers.") and "config" not in type(value).__name__.lower():
            todo += vars(value).values()
    return total
