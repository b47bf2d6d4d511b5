"""Models of transformers: its layers, and attention, caches and decoding of this project."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import hashlib
import inspect
import json
import math
import pathlib
import sys
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

import torch

from sah import _sah
from sah._model import Model
from sah._press import Press
from sah._words import PROGRAM

#: Our name among transformers' attention functions.
_NAME = "sah"
#: Dtypes by the names of `--dtype`.
_DTYPES = {torch.float32: "f32", torch.bfloat16: "bf16", torch.float16: "f16"}
#: What attention of other kinds is given, which ours does not do.
_REFUSED = ("position_bias", "attention_bias", "head_mask", "alibi")
#: What logits may differ by from the model's own attention, in parts of their standard deviation.
_ALLOWED = {"f32": 1e-3, "bf16": 0.15, "f16": 0.05}

_running = threading.local()


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
    ) -> torch.Tensor: ...


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


def transformers(model: Any, tokenizer: Any, *, press: Any = None, name: str | None = None) -> Model:
    """A causal language model of transformers, to be used as one of `sah.load`.

    transformers computes its layers, on the devices where they are; what queries read is ours: maskers, kernels, retentions, caches,
    decoding and sampling. Prompts are made from the files that `model` and `tokenizer` save. Layers without attention stay as they
    are. `name` is what results call it.

    With `press`, a press of kvpress, contexts are read as kvpress's pipeline reads them, and what the press leaves of their keys is what
    questions and answers read.

    Before it is given back, a short text is read by the model's own attention and by ours: an architecture whose attention does
    something that transformers does not tell its attention functions is a ValueError.
    """
    model.eval()
    config = model.config.get_text_config()
    name = name or pathlib.PurePath(getattr(model.config, "_name_or_path", "") or config.model_type).name
    source = f"transformers {_version()}: {getattr(model.config, '_name_or_path', '') or config.model_type}"
    network = Network(model, name, None if press is None else Press(press, model))
    if network.press is not None:
        name = f"{name}+{network.press.name}"
    devices = list(dict.fromkeys(layer.device for layer in network.facts.layers))
    line = [f"--model={name}", f"--dtype={network.facts.dtype}", f"--device={','.join(devices)}"]
    models = _sah.Models()
    folder = tempfile.TemporaryDirectory(prefix="sah-")
    _save(model, tokenizer, folder.name)
    network.check(tokenizer)
    _sah.add_external(models, name, source, folder.name, _sha256(model), network)
    identity = json.loads(_sah.load(PROGRAM, line, models))
    return Model(line, models, identity, folder)


class Network:
    """The layers of a model of transformers."""

    def __init__(self, model: Any, name: str, press: Press | None) -> None:
        self.name = name
        self.press = press
        self._model = model
        parameters = inspect.signature(model.forward).parameters
        names = [word for word in ("cache", "past_key_values") if word in parameters]
        if not names or "position_ids" not in parameters:
            raise ValueError(f"{name}: {type(model).__name__} takes no cache or no position_ids: is it a causal language model?")
        self._cache_name = names[0]
        self._takes_cache_position = "cache_position" in parameters
        self._takes_logits_to_keep = "logits_to_keep" in parameters
        configs: list[Any] = [getattr(module, "config", None) for module in model.modules()]
        self._configs = list({id(config): config for config in configs if hasattr(config, "_attn_implementation")}.values())
        has_memory, self._make_cache = _caches(model)
        _register()
        weights = sum(parameter.numel() * parameter.element_size() for parameter in model.parameters())
        text = model.config.get_text_config()
        self.facts = Facts(
            layers=[],
            positions=int(getattr(text, "max_position_embeddings", None) or getattr(text, "n_positions", None) or 2**20),
            vocabulary=model.get_input_embeddings().weight.shape[0],
            dtype=_dtype(model),
            has_memory=has_memory,
            reads_in_parts=_rope_is_fixed(text),
            drops_keys=press is not None,
            weight_bytes=weights,
            notes=[],
        )
        probe = _Probe()
        ids = torch.zeros(1, 2, dtype=torch.int64)
        self.forward(ids, torch.arange(2)[None], None, False, probe)
        self.facts.layers = probe.layers
        if not probe.layers:
            raise ValueError(f"{name}: no layer attends by transformers' attention interface; there is nothing to choose keys for")
        if self.facts.has_memory:
            self.facts.notes.append("layers without attention (linear attention, state spaces) are those of transformers, and dense")
        if not _rope_is_fixed(text):
            self.facts.notes.append(
                "rotary embeddings depend on the length of a call: contexts are read in one, as transformers' generate reads prompts"
            )
        if press is not None:
            self.facts.notes.append(f"keys of contexts are dropped by {press.description}")

    def forward(
        self, ids: torch.Tensor, places: torch.Tensor, memory: Any, needs_all_logits: bool, calls: Calls
    ) -> tuple[torch.Tensor, tuple[Any, int] | None]:
        """The logits after the last of `ids`, or after each, and what layers remember then."""
        device = self._model.get_input_embeddings().weight.device
        ids, places = ids.to(device), places.to(device)
        # Layers that read each other's keys find them in a cache.
        cache = self._make_cache() if memory is None else copy.deepcopy(memory)
        given: dict[str, Any] = {"input_ids": ids, "position_ids": places, "use_cache": True, self._cache_name: cache}
        if self._takes_cache_position:
            given["cache_position"] = places[0]
        if self._takes_logits_to_keep:
            given["logits_to_keep"] = 0 if needs_all_logits else 1
        with self._attending(calls), torch.no_grad():
            logits = self._model(**given).logits
        if not needs_all_logits:
            logits = logits[:, -1:]
        return logits, (cache, _bytes(cache)) if self.facts.has_memory else None

    def read_dropping(
        self, ids: torch.Tensor, places: torch.Tensor, memory: Any, needs_all_logits: bool, calls: Any
    ) -> list[tuple[list[list[int]], tuple[torch.Tensor, torch.Tensor] | None]]:
        """Reads a context under the press: for each layer the keys that stay of each head, and keys and values if they were changed."""
        if self.press is None:
            raise ValueError("there is no press")
        return self.press.read(ids.to(self._model.get_input_embeddings().weight.device), calls)

    @contextlib.contextmanager
    def _attending(self, calls: Calls) -> Iterator[None]:
        """While the layers of the model attend by `calls`."""
        before = [config._attn_implementation for config in self._configs]
        outer = getattr(_running, "calls", None)
        _running.calls = calls
        for config in self._configs:
            config._attn_implementation = _NAME
        try:
            yield
        finally:
            _running.calls = outer
            for config, implementation in zip(self._configs, before):
                config._attn_implementation = implementation

    def check(self, tokenizer: Any) -> None:
        """Reads a text by the model's own attention and by ours."""
        windows = [layer.window for layer in self.facts.layers if layer.window is not None]
        length = min([window for window in windows if window <= 512], default=16) + 24
        ids = tokenizer(_TEXT * (length // 40 + 1), add_special_tokens=True)["input_ids"]
        length = min(length, len(ids), self.facts.positions)
        ids, end = ids[:length], length - 4
        given = torch.tensor([ids], device=self._model.get_input_embeddings().weight.device)
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

    def attend(
        self,
        queries: torch.Tensor,
        keys: torch.Tensor,
        values: torch.Tensor,
        scale: float,
        soft_cap: float | None,
        sinks: torch.Tensor | None,
    ) -> torch.Tensor:
        device = str(queries.device) if queries.device.type != "cuda" else f"cuda:{queries.device.index or 0}"
        (_, heads, rows, key_dim), (_, kv_heads, _, value_dim) = queries.shape, values.shape
        self.layers.append(LayerShape(device, heads, kv_heads, key_dim, value_dim, _running.window))
        return queries.new_zeros(1, heads, rows, value_dim)


def _register() -> None:
    """Makes our attention function known to transformers."""
    from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

    if _NAME not in ALL_ATTENTION_FUNCTIONS.valid_keys():
        ALL_ATTENTION_FUNCTIONS.register(_NAME, _attend)


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
    calls = getattr(_running, "calls", None)
    if calls is None:
        raise RuntimeError("this attention works inside models of sah.transformers alone; set another attn_implementation")
    for word in _REFUSED:
        if given.get(word) is not None:
            raise NotImplementedError(f"{type(module).__name__} gives {word} to its attention, which sah does not do")
    if is_causal is False or getattr(module, "is_causal", True) is False:
        raise NotImplementedError(f"{type(module).__name__} reads keys behind a query, which sah does not do")
    _running.window = _window(module, given.get("sliding_window"))
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


def _dtype(model: Any) -> str:
    """Of queries, keys and values."""
    dtype = next((parameter.dtype for parameter in model.parameters() if parameter.dtype in _DTYPES), None)
    if dtype is None:
        raise ValueError(f"{type(model).__name__} has no weights of f32, bf16 or f16")
    return _DTYPES[getattr(model, "dtype", dtype) if getattr(model, "dtype", dtype) in _DTYPES else dtype]


def _rope_is_fixed(config: Any) -> bool:
    """Whether rotary embeddings are the same however long a call is."""
    scaling = getattr(config, "rope_parameters", None) or getattr(config, "rope_scaling", None) or {}
    parts = [scaling, *(part for part in scaling.values() if isinstance(part, Mapping))]
    return all((part.get("rope_type") or part.get("type")) not in ("dynamic", "longrope") for part in parts)


def _caches(model: Any) -> tuple[bool, Callable[[], Any]]:
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


def _bytes(cache: Any) -> int:
    """Of the tensors that a cache holds."""
    seen: dict[int, int] = {}
    todo: list[Any] = [cache]
    known: set[int] = set()
    while todo:
        value = todo.pop()
        if id(value) in known:
            continue
        known.add(id(value))
        if isinstance(value, torch.Tensor):
            seen[id(value)] = value.numel() * value.element_size()
        elif isinstance(value, Mapping):
            todo += value.values()
        elif isinstance(value, (list, tuple)):
            todo += value
        elif type(value).__module__.startswith("transformers.") and "config" not in type(value).__name__.lower():
            todo += vars(value).values()
    return sum(seen.values())


def _save(model: Any, tokenizer: Any, folder: str) -> None:
    """The files that say how text is written and what ends an answer."""
    model.config.save_pretrained(folder)
    if getattr(model, "generation_config", None) is not None:
        path = pathlib.Path(folder, "generation_config.json")
        path.write_text(json.dumps(model.generation_config.to_diff_dict(), default=str))
    tokenizer.save_pretrained(folder)


def _sha256(model: Any) -> str:
    """Hash of all weights and their names."""
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        if tensor.device.type == "meta":
            raise ValueError(f"{name} is offloaded; load the model whole")
        digest.update(f"{name} {tensor.dtype} {list(tensor.shape)}\n".encode())
        digest.update(memoryview(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy()))
    return digest.hexdigest()


def _version() -> str:
    import transformers

    return str(transformers.__version__)


#: What models read before they are trusted.
_TEXT = (
    "The keeper of the lighthouse writes down every ship that passes, the hour, the weather and the colour of its flag, and in the "
    "evening he reads the list aloud to his dog. "
)
