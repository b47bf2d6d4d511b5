"""The layers of a model of transformers, as our engine runs them."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import math
import warnings
from collections.abc import Mapping
from typing import Any

import torch

from sah import _sah
from sah._attention_function import Calls, attending, register, running
from sah._layer_memory import bytes_of, caches_of
from sah._press import Press

#: Dtypes by the names of `--dtype`.
_DTYPES = {torch.float32: "f32", torch.bfloat16: "bf16", torch.float16: "f16"}
#: What logits may differ by from the model's own attention, in parts of their standard deviation.
_ALLOWED = {"f32": 1e-3, "bf16": 0.15, "f16": 0.05}
#: What models read before they are trusted.
_TEXT = (
    "The keeper of the lighthouse writes down every ship that passes, the hour, the weather and the colour of its flag, and in the "
    "evening he reads the list aloud to his dog. "
)


@dataclasses.dataclass(frozen=True)
class LayerShape:
    """A layer with attention."""

    device: str
    query_heads: int
    kv_heads: int
    key_dim: int
    value_dim: int
    #: How many keys a row reads, its own included; `None` for all before it.
    window: int | None


@dataclasses.dataclass
class Facts:
    """What a model is."""

    layers: list[LayerShape]
    positions: int
    vocabulary: int
    dtype: str
    has_memory: bool
    reads_in_parts: bool
    drops_keys: bool
    weight_bytes: int
    notes: list[str]


class Network:
    """The layers of a model of transformers."""

    def __init__(self, model: Any, name: str, press: Press | None) -> None:
        self.name = name
        self.press = press
        self._model = model
        embedding = model.get_input_embeddings().weight
        self._device = embedding.device
        parameters = inspect.signature(model.forward).parameters
        names = [word for word in ("cache", "past_key_values") if word in parameters]
        if not names or "position_ids" not in parameters:
            raise ValueError(f"{name}: {type(model).__name__} takes no cache or no position_ids: is it a causal language model?")
        self._cache_name = names[0]
        self._takes_cache_position = "cache_position" in parameters
        self._takes_logits_to_keep = "logits_to_keep" in parameters
        configs: list[Any] = [getattr(module, "config", None) for module in model.modules()]
        self._configs = list({id(config): config for config in configs if hasattr(config, "_attn_implementation")}.values())
        has_memory, self._make_cache = caches_of(model)
        register()
        weights = sum(parameter.numel() * parameter.element_size() for parameter in model.parameters())
        text = model.config.get_text_config()
        self.facts = Facts(
            layers=[],
            positions=int(getattr(text, "max_position_embeddings", None) or getattr(text, "n_positions", None) or 2**20),
            vocabulary=embedding.shape[0],
            dtype=_dtype(model),
            has_memory=has_memory,
            reads_in_parts=_rope_is_fixed(text),
            drops_keys=press is not None,
            weight_bytes=weights,
            notes=[],
        )
        probe = _Probe()
        ids = torch.zeros(1, 2, dtype=torch.int64)
        # What layers without attention remember is of one size.
        self._memory_bytes = 0
        _, memory = self.forward(ids, torch.arange(2)[None], None, False, probe)
        self._memory_bytes = 0 if memory is None else bytes_of(memory[0])
        self.facts.layers = probe.layers
        if not probe.layers:
            raise ValueError(f"{name}: no layer attends by transformers' attention interface; there is nothing to choose keys for")
        if self.facts.has_memory:
            self.facts.notes.append("layers without attention (linear attention, state spaces) are those of transformers, and dense")
        if not self.facts.reads_in_parts:
            self.facts.notes.append(
                "rotary embeddings depend on the length of a call: contexts are read in one, as transformers' generate reads prompts"
            )
        if press is not None:
            self.facts.notes.append(f"keys of contexts are dropped by {press.description}")

    def forward(
        self, ids: torch.Tensor, places: torch.Tensor, memory: Any, needs_all_logits: bool, calls: Calls
    ) -> tuple[torch.Tensor, tuple[Any, int] | None]:
        """The logits after the last of `ids`, or after each, and what layers remember then."""
        ids, places = ids.to(self._device), places.to(self._device)
        # Layers that read each other's keys find them in a cache.
        cache = self._make_cache() if memory is None else copy.deepcopy(memory)
        given: dict[str, Any] = {"input_ids": ids, "position_ids": places, "use_cache": True, self._cache_name: cache}
        if self._takes_cache_position:
            given["cache_position"] = places[0]
        if self._takes_logits_to_keep:
            given["logits_to_keep"] = 0 if needs_all_logits else 1
        with attending(calls, self._configs), torch.no_grad():
            logits = self._model(**given).logits
        if not needs_all_logits:
            logits = logits[:, -1:]
        return logits, (cache, self._memory_bytes) if self.facts.has_memory else None

    def read_dropping(
        self, ids: torch.Tensor, places: torch.Tensor, memory: Any, needs_all_logits: bool, calls: Any
    ) -> list[tuple[list[list[int]], tuple[torch.Tensor, torch.Tensor] | None]]:
        """Reads a context under the press: for each layer the keys that stay of each head, and keys and values if they were changed."""
        if self.press is None:
            raise ValueError("there is no press")
        return self.press.read(ids.to(self._device), calls)

    def check(self, tokenizer: Any) -> None:
        """Reads a text by the model's own attention and by ours."""
        windows = [layer.window for layer in self.facts.layers if layer.window is not None]
        length = min([window for window in windows if window <= 512], default=16) + 24
        ids = tokenizer(_TEXT * (length // 40 + 1), add_special_tokens=True)["input_ids"]
        length = min(length, len(ids), self.facts.positions)
        ids, end = ids[:length], length - 4
        given = torch.tensor([ids], device=self._device)
        with torch.no_grad():
            own = self._model(input_ids=given, use_cache=True).logits[0].float().cpu()
        own = own[[end - 1, -1]]
        # What layers remember is not the same to the last digits where a text is read in parts.
        allowed = _ALLOWED[self.facts.dtype] * (10 if self.facts.has_memory else 1)
        try:
            difference = self._difference(own, [ids[:end], ids[end:]])
        except _sah.Error:
            if not self.facts.has_memory:
                raise
            difference = math.inf
        if difference > allowed and self.facts.has_memory:
            # Some architectures take what is remembered into account for single tokens alone.
            self.facts.reads_in_parts = False
            difference = self._difference(own, [ids[:end], ids[end:]])
        if difference > allowed:
            text = (
                f"{self.name}: a text of {length} tokens has logits that differ by {difference:.2g} of their standard deviation from "
                f"those of the model's own attention ({self._model.config._attn_implementation}); up to {allowed} is rounding"
            )
            if self.facts.dtype == "f32":
                raise ValueError(f"{text}. {type(self._model).__name__} does something that attention functions are not told")
            self.facts.notes.append(text)
            warnings.warn(text, stacklevel=3)

    def _difference(self, own: torch.Tensor, parts: list[list[int]]) -> float:
        ours = torch.tensor(_sah.external_logits(self, parts))
        return float(((ours - own).abs().amax(-1) / own.std(-1)).max())


class _Probe:
    """Writes down the layers of a pass."""

    def __init__(self) -> None:
        self.layers: list[LayerShape] = []

    def attend(self, queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, *scoring: Any) -> torch.Tensor:
        device = str(queries.device) if queries.device.type != "cuda" else f"cuda:{queries.device.index or 0}"
        (_, heads, rows, key_dim), (_, kv_heads, _, value_dim) = queries.shape, values.shape
        self.layers.append(LayerShape(device, heads, kv_heads, key_dim, value_dim, running.window))
        return queries.new_zeros(1, heads, rows, value_dim)


def _dtype(model: Any) -> str:
    """Of queries, keys and values."""
    named = [_DTYPES[one.dtype] for one in (model, *model.parameters()) if one.dtype in _DTYPES]
    if not named:
        raise ValueError(f"{type(model).__name__} has no weights of f32, bf16 or f16")
    return named[0]


def _rope_is_fixed(config: Any) -> bool:
    """Whether rotary embeddings are the same however long a call is."""
    scaling = getattr(config, "rope_parameters", None) or getattr(config, "rope_scaling", None) or {}
    parts = [scaling, *(part for part in scaling.values() if isinstance(part, Mapping))]
    return all((part.get("rope_type") or part.get("type")) not in ("dynamic", "longrope") for part in parts)
