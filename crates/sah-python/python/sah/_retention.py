"""Methods that choose which keys of a context stay."""

from __future__ import annotations

import abc
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from sah._sah import Context


class Retention(abc.ABC):
    """Gives every key of a context a score, once it is read: what is worth most stays."""

    #: How many of the last queries it looks at.
    queries: int = 1
    #: Whether it looks at the sums of attention weights.
    weights: bool = False
    #: Whether it can score keys again while an answer grows (`every` of a configuration).
    grows: bool = False

    @abc.abstractmethod
    def scores(self, keys: torch.Tensor, values: torch.Tensor, context: Context) -> torch.Tensor:
        """The scores of all `n` keys of one layer, `[Hkv, n]`, none of them NaN.

        `keys` is `[1, Hkv, n, D]`, `values` `[1, Hkv, n, Dv]`; do not write to them.
        """
