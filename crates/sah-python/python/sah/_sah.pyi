"""The extension module. What users call is in `sah` itself."""

from collections.abc import Callable
from os import PathLike
from typing import Any, final

import torch

__version__: str

class Error(RuntimeError):
    """What went wrong in sah."""

    #: What kind of thing: `data`, `network`, `device`, `model`, `folder_busy`, `results`, `changed`, `other`, ...
    kind: str

class UsageError(ValueError):
    """Options that ask for something that does not exist."""

    #: `usage`.
    kind: str

@final
class Models:
    """Models in memory, which calls share."""

    def __init__(self) -> None: ...

@final
class Layer:
    """A layer of a request: what a masker is told of it, and what it keeps there from step to step."""

    #: The layer's number, from 0.
    index: int
    #: A seed for random choices in this step: it depends on request, layer, masker and number of keys alone.
    seed: int
    #: The factor of the scores.
    scale: float
    #: How many keys a row of this layer may read, its own included; `None` where that is any number.
    window: int | None
    #: The bound of the scores, if they have one.
    soft_cap: float | None
    #: What the masker keeps: `None` at first, then an object with the methods of `sah.State`.
    value: Any

    def scores(self) -> torch.Tensor:
        """The exact scores of all keys, `[B, H, Q, K]`: `scale * queries @ keys`, below the soft cap where there is one."""

@final
class Previous:
    """What earlier maskers of the list selected. It lives as long as `select` runs."""

    #: Whether nothing is selected yet.
    is_empty: bool

    def mask(self) -> torch.Tensor:
        """The selection as booleans, `[B, H, Q, K]`, on the CPU, without keys in the future of a row."""

@final
class Context:
    """What a retention is told of one layer of a context."""

    #: The layer's number, from 0.
    layer: int
    #: A seed for random choices in this layer.
    seed: int
    #: How many keys of each head stay, in the mean over heads and layers.
    kept: int
    #: The factor of the scores of attention.
    scale: float
    #: The last queries, `[1, H, w, D]`: as many as the class asks for, or as there are.
    queries: torch.Tensor
    #: The sums over all queries of the weights of each key, `[H, n]`, where the class asks for them.
    weights: torch.Tensor | None

@final
class TokenCounter:
    """Counts tokens with the tokenizer of the model, while rows are made."""

    def __call__(self, text: str) -> int: ...

@final
class OwnMetric:
    """One of the metrics of `bench custom`."""

    #: The files that it reads.
    files: list[str]

    def __init__(self, name: str, wordnet: str | PathLike[str] | None) -> None: ...
    def score(self, answer: str, answers: list[str]) -> float: ...

class Rows:
    """A table of Arrow."""

    #: The names of the columns.
    column_names: list[str]

    def __init__(self, path: str | PathLike[str]) -> None: ...

    def __arrow_c_stream__(self, requested_schema: object = None) -> object: ...
    def __len__(self) -> int: ...

def main(words: list[str], arguments: list[str], benchmarks: list[Any]) -> int: ...
def call(
    words: list[str],
    arguments: list[str],
    given: object,
    models: Models | None,
    caller: object,
) -> int: ...
def load(words: list[str], arguments: list[str], models: Models) -> str: ...
def answer(
    words: list[str],
    arguments: list[str],
    context: str | None,
    given: object,
    models: Models,
    on_token: Callable[[str, int, str, bool, bool], None] | None,
) -> list[tuple[str, str]]: ...
def add_external(models: Models, name: str, source: str, folder: str, sha256: str, network: object) -> None: ...
def external_logits(network: object, parts: list[list[int]]) -> list[list[float]]: ...
def keep_object(object: object) -> int: ...
def forget_object(id: int) -> None: ...
