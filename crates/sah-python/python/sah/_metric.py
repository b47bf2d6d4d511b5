"""Metrics, and benchmarks that are made of rows and a metric."""

from __future__ import annotations

import abc
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Union

from sah import _sah
from sah._benchmark import ABOUT, Benchmark

_Row = Mapping[str, Any]
#: Rows, or what makes them of a function that counts tokens.
Rows = Union[Iterable[_Row], Callable[[Callable[[str], int]], Iterable[_Row]]]


class Metric(abc.ABC):
    """What an answer is worth beside the right ones."""

    #: What it is called.
    name: str
    #: The files that it reads: a run goes on only while they are the same.
    files: Sequence[Union[str, os.PathLike[str]]] = ()

    @abc.abstractmethod
    def score(self, answer: str, answers: Sequence[str], row: _Row) -> float:
        """What `answer` is worth, such as from 0 to 100. `answers` are the right ones, `row` is all of the row."""


#: A metric, the name of one of this project's own, or a function of an answer and its row.
Score = Union[Metric, str, Callable[[str, _Row], float]]


def metric(name: str, *, wordnet: str | os.PathLike[str] | None = None) -> Metric:
    """One of the metrics of `bench custom --metric`, from 0 to 100: `f1`, `exact_match`, `rouge_l`, and others.

    `meteor` alone needs `wordnet`, a folder with the files of WordNet 3.0.
    """
    return _OwnMetric(name, wordnet)


def benchmark(name: str, rows: Rows, score: Score, *, about: str = ABOUT, tasks: Sequence[str] = ()) -> Benchmark:
    """A benchmark of rows, as `Benchmark.rows` has them, and a score.

        harbour = sah.benchmark("harbour", [{"context": "...", "question": "...", "answers": ["red"]}], "f1")

    `rows` are dictionaries, or a function as `Benchmark.rows`. `tasks` are their tasks; where nothing is said, those that the
    dictionaries name, or one of the benchmark's name.
    """
    if not re.fullmatch(r"[\w.-]+", name):
        raise ValueError(f"the name of a benchmark is one word of letters, digits and . _ -, got {name!r}")
    return _Made(name, rows, metric(score) if isinstance(score, str) else score, about, tasks)


class _OwnMetric(Metric):
    def __init__(self, name: str, wordnet: str | os.PathLike[str] | None) -> None:
        self._metric = _sah.OwnMetric(name, wordnet)
        self.name = name
        self.files = self._metric.files

    def score(self, answer: str, answers: Sequence[str], row: _Row) -> float:
        if isinstance(answers, str) or not answers:
            raise ValueError(f"{self.name} compares with a list of right answers, one at least, got {answers!r}")
        return self._metric.score(answer, list(answers))


class _Made(Benchmark):
    def __init__(
        self, name: str, rows: Rows, score: Metric | Callable[[str, _Row], float], about: str, tasks: Sequence[str]
    ) -> None:
        self.name = name
        self.about = about
        # A benchmark reads its rows more than once, which a generator gives once.
        self._rows = rows if callable(rows) else list(rows)
        self._score = score
        self.tasks = tuple(tasks) or self._named_tasks()
        self.metric_files = tuple(score.files) if isinstance(score, Metric) else ()

    def rows(self, count: Callable[[str], int]) -> Iterable[_Row]:
        return self._rows(count) if callable(self._rows) else self._rows

    def score(self, answer: str, row: _Row) -> float:
        if isinstance(self._score, Metric):
            return self._score.score(answer, row["answers"], row)
        return self._score(answer, row)

    def _named_tasks(self) -> tuple[str, ...]:
        """The tasks of the rows in the order in which they appear; none where rows are made later."""
        rows = [] if callable(self._rows) else self._rows
        return tuple(dict.fromkeys(row.get("task", self.name) for row in rows))
