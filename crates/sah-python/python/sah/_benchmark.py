"""Benchmarks: rows and a score."""

from __future__ import annotations

import abc
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Union

#: Where a benchmark does not say what it measures.
ABOUT = "a benchmark in Python"
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
    about: str = ABOUT
    #: Its tasks, in the order in which they run; one of its name where it says nothing.
    tasks: Sequence[str] = ()
    #: The files that `score` reads, such as a list of synonyms: a run goes on only while they are the same.
    metric_files: Sequence[Union[str, os.PathLike[str]]] = ()

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


def checked_rows(
    benchmark: Benchmark, tasks: Sequence[str], asked: Sequence[str], count: Callable[[str], int]
) -> Iterator[dict[str, Any]]:
    """The rows of the tasks that are asked for, with all keys and their JSON; `tasks` are all of the benchmark."""
    for number, given in enumerate(benchmark.rows(count)):
        row = {"answer_prefix": "", "max_new_tokens": MAX_NEW_TOKENS, "answers": [], "task": tasks[0], **given}
        for key in _TEXTS:
            if not isinstance(row.get(key), str):
                raise TypeError(f"row {number}: {key} must be a text, got {row.get(key)!r}")
        if isinstance(row["answers"], str):
            raise TypeError(f"row {number}: answers must be a list of texts, got {row['answers']!r}; write [...] around it")
        if row["task"] not in tasks:
            raise ValueError(f"row {number}: task {row['task']!r} is none of {', '.join(tasks)}")
        if row["task"] in asked:
            yield {**row, "answers": list(row["answers"]), "json": json.dumps(row)}
