"""Presses of kvpress: what they leave of a context's keys."""

from __future__ import annotations

import importlib.metadata
from typing import Any

import torch

#: Presses that move the positions of keys, read the question beside the context, or drop keys of answers.
_REFUSED = (
    "DecodingPress",
    "PrefillDecodingPress",
    "CompressionRatioDecodingPress",
    "DMSPress",
    "KeyRerotationPress",
    "FinchPress",
    "RestoreKVPress",
)


class Press:
    """A press on a model of transformers."""

    def __init__(self, press: Any, model: Any) -> None:
        kind = type(press).__name__
        if refused := _refused(press):
            raise ValueError(f"{refused} moves keys, or drops keys of answers; only presses that drop keys of contexts can be run here")
        if not callable(press):
            raise TypeError(f"{press!r} is no press of kvpress")
        self._press = press
        self._model = model
        ratio = _ratio(press)
        #: A short name, for results.
        self.name = kind if ratio is None else f"{kind}({ratio:g})"
        #: What it is, for readers.
        self.description = f"kvpress {importlib.metadata.version('kvpress')}: {press!r}"

    def read(
        self, ids: torch.Tensor, calls: Any
    ) -> list[tuple[list[list[int]], tuple[torch.Tensor, torch.Tensor] | None]]:
        """Reads `ids`, `[1, n]`, and gives for each layer the keys that stay of each head, and keys and values if some were changed."""
        from transformers import DynamicCache

        cache: Any = DynamicCache()
        whole: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}
        update = cache.update

        def seen(keys: torch.Tensor, values: torch.Tensor, layer: int, *rest: Any, **named: Any) -> Any:
            whole.setdefault(layer, (keys, values))
            return update(keys, values, layer, *rest, **named)

        cache.update = seen
        # As kvpress's pipeline does it.
        with torch.no_grad(), self._press(self._model):
            self._model.model(input_ids=ids, past_key_values=cache)
        masked = {
            module.layer_idx: module.masked_key_indices
            for module in self._model.modules()
            if getattr(module, "masked_key_indices", None) is not None
        }
        kept = []
        for layer, (keys, values) in sorted(whole.items()):
            calls.append(keys, values)
            left = cache.layers[layer]
            kept.append(self._kept((keys, values), (left.keys, left.values), masked.get(layer)))
        for module in self._model.modules():
            if hasattr(module, "masked_key_indices"):
                module.masked_key_indices = None
        return kept

    def _kept(
        self, whole: tuple[torch.Tensor, torch.Tensor], left: tuple[torch.Tensor, torch.Tensor], masked: Any
    ) -> tuple[list[list[int]], tuple[torch.Tensor, torch.Tensor] | None]:
        """Where the keys and values that are left, `[1, Hkv, m, D]`, stood among all, `[1, Hkv, n, D]`."""
        places = _places(whole[0][0], left[0][0])
        if places is None:
            places = _places(whole[1][0], left[1][0])
        if places is None and left[0].shape[2] == whole[0].shape[2]:
            places = torch.arange(whole[0].shape[2]).expand(whole[0].shape[1], -1)
        if places is None:
            raise ValueError(f"{self.name} leaves keys and values that are none of the context's: where they stand is not known")
        at = places.to(left[0].device)[None, :, :, None]
        put_keys, put_values = (rows.scatter(2, at.expand_as(new), new) for rows, new in zip(whole, left))
        is_unchanged = torch.equal(put_keys, whole[0]) and torch.equal(put_values, whole[1])
        stays = torch.ones(left[0].shape[1:3], dtype=torch.bool)
        if masked is not None:
            _, heads, keys = masked
            stays[torch.as_tensor(heads).cpu(), torch.as_tensor(keys).cpu()] = False
        heads = [of_head[stay].sort().values.tolist() for of_head, stay in zip(places.cpu(), stays)]
        return heads, None if is_unchanged else (put_keys, put_values)


def _refused(press: Any) -> str | None:
    """The class of a press that cannot be run: of `press`, or of one in it."""
    for cls in type(press).__mro__:
        if cls.__name__ in _REFUSED:
            return type(press).__name__
    inside = [getattr(press, "press", None), getattr(press, "base_press", None), *getattr(press, "presses", [])]
    return next((found for one in inside if one is not None and (found := _refused(one))), None)


def _ratio(press: Any) -> float | None:
    """The share of keys that is dropped, where that is known beforehand."""
    try:
        ratio: float | None = getattr(press, "compression_ratio", None)
    except AssertionError:
        # Some know it only once they have read a context.
        return None
    return ratio


def _places(whole: torch.Tensor, left: torch.Tensor) -> torch.Tensor | None:
    """For each row of `left`, `[H, m, D]`, the number of the row of `whole`, `[H, n, D]`, that it is; `None` where one is none of them."""
    numbers = _hashes(torch.cat([whole, left], dim=1))
    of_whole, of_left = numbers[:, : whole.shape[1]], numbers[:, whole.shape[1] :]
    order = of_whole.sort(dim=1, stable=True)
    found = torch.searchsorted(order.values, of_left.contiguous()).clamp(max=whole.shape[1] - 1)
    places = order.indices.gather(1, found)
    same = torch.equal(whole.gather(1, places[:, :, None].expand_as(left)), left)
    is_single = all(len(of_head.unique()) == len(of_head) for of_head in places)
    return places if same and is_single else None


def _hashes(rows: torch.Tensor) -> torch.Tensor:
    """A number for each row of `[H, n, D]` that depends on all of its bits."""
    bits = rows.contiguous().view({2: torch.int16, 4: torch.int32}[rows.element_size()]).long()
    factors = torch.randint(-(2**62), 2**62, (rows.shape[-1],), generator=torch.Generator().manual_seed(0))
    return (bits * factors.to(bits.device)).sum(-1)
