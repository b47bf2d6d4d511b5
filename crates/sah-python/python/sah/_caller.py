"""The calling program, as the command line sees it while it runs in this process."""

from __future__ import annotations

import contextlib
import pathlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

from sah._progress import Progress


class Caller:
    """What the command line tells, and asks."""

    def __init__(self, show: Callable[[Progress], None] | None) -> None:
        #: The folder of the run, once it begins.
        self.folder: pathlib.Path | None = None
        self._show = show
        self._stop = False

    def begins(self, folder: str) -> None:
        self.folder = pathlib.Path(folder)

    def hear(self, attention: str, step: str, figures: dict[str, Any]) -> bool:
        """Told of a step; says whether the run is to stop."""
        if self._show is not None:
            self._show(Progress(attention, step, **figures))
        return self._stop

    @contextlib.contextmanager
    def interruptible(self) -> Iterator[None]:
        """The first Ctrl-C asks the run to stop after the context at work; the second is Python's own."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = signal.getsignal(signal.SIGINT) or signal.SIG_DFL

        def first(number: int, frame: FrameType | None) -> None:
            self._stop = True
            signal.signal(signal.SIGINT, before)

        signal.signal(signal.SIGINT, first)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)
