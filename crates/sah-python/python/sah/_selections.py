"""What a masker may return beside tensors of indices and masks."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import torch


@dataclasses.dataclass(frozen=True)
class Sampled:
    """Keys that were drawn at random, each with the probability with which it was.

    A class that returns them says `sampling = True`.
    """

    #: `[B, H, Q, N]` of int64; -1 is padding.
    indices: torch.Tensor
    #: `[B, H, Q, N]` of float, in (0, 1].
    probabilities: torch.Tensor


@dataclasses.dataclass(frozen=True)
class Pages:
    """Whole pages of keys: page `n` is the keys from `n * page_size` on."""

    #: `[B, H, Q, P]` of int64; -1 is padding.
    numbers: torch.Tensor
    #: Keys of a page.
    page_size: int


@dataclasses.dataclass(frozen=True)
class Ranges:
    """Ranges of keys for each query row, the same for all heads."""

    #: For each of the `Q` rows its ranges `(start, end)`; `end` is not in it.
    rows: Sequence[Sequence[tuple[int, int]]]


@dataclasses.dataclass(frozen=True)
class Best:
    """For each row the keys with the largest scores that it may read and that are not selected yet."""

    #: `[B, H, Q, K]` of float; keys with `-inf` are not taken.
    scores: torch.Tensor
    #: How many of each row.
    count: int


class Everything:
    """All keys that a row may read."""

    def __repr__(self) -> str:
        return "sah.EVERYTHING"


#: All keys that a row may read.
EVERYTHING = Everything()
