"""How far a run is."""

from __future__ import annotations

import contextlib
import dataclasses
import sys
from collections.abc import Callable, Iterator


@dataclasses.dataclass(frozen=True)
class Progress:
    """A step of a run."""

    #: The attention, with the model before it in a run of several.
    attention: str
    #: `begins`, `reads`, `answers`, `ends`, or `other`.
    step: str
    #: The task of the rows that begin or end.
    task: str | None = None
    #: Rows that are done.
    rows_done: int | None = None
    #: All rows of the attention.
    rows_total: int | None = None
    #: Tokens that are read, or new.
    tokens: int | None = None
    #: Tokens that are to be read.
    of: int | None = None
    #: Why the rows that end have no answer.
    error: str | None = None


@contextlib.contextmanager
def shown(progress: Callable[[Progress], None] | None) -> Iterator[Callable[[Progress], None] | None]:
    """What is called at each step: `progress`, or in a notebook a line that is written over. A terminal has the bars of the
    command line."""
    if progress is not None or "IPython" not in sys.modules or not _is_notebook():
        yield progress
        return
    from IPython.display import display

    line = display({"text/plain": ""}, raw=True, display_id=True)  # type: ignore[no-untyped-call]

    def show(step: Progress) -> None:
        if step.rows_total is not None:
            text = f"{step.attention}: {step.rows_done} of {step.rows_total} rows ({step.task})"
            line.update({"text/plain": text}, raw=True)

    yield show


def _is_notebook() -> bool:
    from IPython import get_ipython

    shell = get_ipython()
    return shell is not None and type(shell).__name__ == "ZMQInteractiveShell"
