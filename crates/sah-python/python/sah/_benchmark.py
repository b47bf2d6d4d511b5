"""Benchmarks: rows and a score."""

from __future__ import annotations

import abc
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

#: Where a row does not say it.
MAX_NEW_TOKENS = 64
#: The keys of a row that are text.
_TEXTS = ("context", "question", "answer_prefix", "task")


class Benchmark(abc.ABC):
    """Rows, and what an answer is worth.

    `sah.bench(Mine(), model)` runs it as any other: resumed, with intervals, in reports.
    """

    #: One word, which its runs have in their config.json.
    name: str
    #: What it measures, in one line.
    about: str = "a benchmark in Python"
    #: Its tasks, in the order in which they run; one of its name where it says nothing.
    tasks: Sequence[str] = ()

    @abc.abstractmethod
    def rows(self, count: Callable[[str], int]) -> Iterable[Mapping[str, Any]]:
        """The rows, each a dictionary that JSON can write.

        `context` and `question` are texts; `answers`, a list of texts, are the right ones; `answer_prefix`, `max_new_tokens` (64) and `task`
        (that of its name) may be left out, and what else there is comes back to `score`. Rows with equal contexts are answered together.
        `count(text)` counts tokens with the tokenizer of the model that will read them.
        """

    @abc.abstractmethod
    def score(self, answer: str, row: Mapping[str, Any]) -> float:
        """What `answer` to `row` is worth, such as from 0 to 100. A row without an answer counts as the empty one."""


def tasks_of(benchmark: Any) -> list[str]:
    """The tasks of a benchmark."""
    return list(benchmark.tasks) or [benchmark.name]


class Entry:
    """A benchmark as the command line takes it."""

    def __init__(self, benchmark: Any) -> None:
        self.name: str = benchmark.name
        self.about: str = benchmark.about
        self.tasks = tasks_of(benchmark)
        self.rows = benchmark.rows
        self.score = benchmark.score


def checked_rows(entry: Entry, tasks: Sequence[str], count: Callable[[str], int]) -> Iterator[dict[str, Any]]:
    """The rows of `tasks`, with all keys and their JSON."""
    for number, given in enumerate(entry.rows(count)):
        row = {"answer_prefix": "", "max_new_tokens": MAX_NEW_TOKENS, "answers": [], "task": entry.tasks[0], **given}
        for key in _TEXTS:
            if not isinstance(row.get(key), str):
                raise TypeError(f"row {number}: {key} must be a text, got {row.get(key)!r}")
        if row["task"] not in entry.tasks:
            raise ValueError(f"row {number}: task {row['task']!r} is none of {', '.join(entry.tasks)}")
        if row["task"] in tasks:
            yield {**row, "answers": list(row["answers"]), "json": json.dumps(row)}
