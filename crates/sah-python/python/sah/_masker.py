"""Methods that choose which keys a query reads."""

from __future__ import annotations

import abc
from typing import TYPE_CHECKING, Protocol, Union

import torch

from sah._selections import Best, Everything, Pages, Ranges, Sampled

if TYPE_CHECKING:
    from sah._sah import Layer, Previous

#: What `Masker.select` may return.
Selection = Union[torch.Tensor, Sampled, Pages, Ranges, Best, Everything, None]


class State(Protocol):
    """What a masker keeps of a layer from step to step, in `layer.value`: it follows the KV cache."""

    def fork(self) -> State:
        """An independent copy, for a request that goes on from the same cache. Tensors that are never written to may be shared."""
        ...

    def truncate(self, keys: int) -> None:
        """Forgets everything about keys from number `keys` on."""
        ...


class Masker(abc.ABC):
    """A rule that adds keys to a selection.

    An object is shared by all layers and requests: what it must remember of one goes to `layer.value`.
    """

    #: Whether it returns `sah.Sampled`.
    sampling: bool = False

    @abc.abstractmethod
    def select(
        self,
        queries: torch.Tensor,
        keys: torch.Tensor,
        values: torch.Tensor,
        layer: Layer,
        previous: Previous,
    ) -> Selection:
        """The keys to add to `previous` for each query row.

        `queries` is `[B, H, Q, D]`, `keys` `[B, Hkv, K, D]`, `values` `[B, Hkv, K, Dv]`; query head `h` reads the keys of head
        `h // (H // Hkv)`. Row `i` stands at position `K - Q + i`. All three are those of the cache: do not write to them.

        Return indices `[B, H, Q, N]` (int64, -1 is padding, none twice in a row), a mask `[B, H, Q, K]` (bool), `sah.Sampled`,
        `sah.Pages`, `sah.Ranges`, `sah.Best`, `sah.EVERYTHING`, or `None` for nothing more. Keys in the future of a row may be
        among them: they are not read.
        """
