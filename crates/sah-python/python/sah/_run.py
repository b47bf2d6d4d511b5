"""Runs of benchmarks, and what is made of them."""

from __future__ import annotations

import json
import os
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Union

from sah import _sah
from sah._benchmark import Benchmark
from sah._caller import Caller
from sah._default_model import prepare
from sah._methods import Attention, Given, Keeping, given
from sah._model import Model
from sah._named_benchmarks import named
from sah._progress import Progress, shown
from sah._rows import Rows
from sah._words import PROGRAM, words

_PathLike = Union[str, "os.PathLike[str]"]


class Run:
    """A run in its folder, finished or not."""

    def __init__(self, path: _PathLike, exit_code: int = 0, benchmark: Benchmark | None = None) -> None:
        #: The folder of the run.
        self.path = pathlib.Path(path)
        #: What the command line ends with: 0 where every row has an answer, 3 where some have none, 4 where some attentions have
        #: no results.
        self.exit_code = exit_code
        #: The benchmark, if it is an object: reports score rows by it.
        self.benchmark = benchmark

    def __repr__(self) -> str:
        return f"sah.Run({str(self.path)!r})"

    @property
    def attentions(self) -> list[str]:
        """The attentions that have results, the folders of those of several models behind the models."""
        found = sorted(self.path.rglob("metrics.json"))
        return [str(file.parent.relative_to(self.path)) for file in found]

    def rows(self, attention: str | None = None) -> Rows:
        """The rows of `attention` with their answers and what they cost, as Arrow; of the only one where it is left out."""
        return Rows(self._folder(attention) / "raw_results.parquet")

    def metrics(self, attention: str | None = None) -> dict[str, Any]:
        """The scores of `attention`: its metrics.json."""
        return self._json(attention, "metrics.json")

    def scores(self, attention: str | None = None) -> Rows:
        """The scores of `attention` as Arrow: a row for each task, or for each bucket of a task.

        `score` is that of metrics.json; where it is null because scoring failed, `error` says why. `rows` is the number of
        samples, null for a bucket. Of runs with `repeats`, buckets have `rows`, too, and `low` and `high` are the 95 %
        confidence interval.
        """
        return Rows(self._folder(attention) / "metrics.json")

    def config(self, attention: str | None = None) -> dict[str, Any]:
        """All that is needed to repeat `attention`: its config.json."""
        return self._json(attention, "config.json")

    def calls(self, attention: str) -> Rows:
        """The single attention calls that `micro_metrics` measured, as Arrow."""
        return Rows(self._folder(attention) / "micro_metrics.parquet")

    def report(self, **options: Any) -> pathlib.Path:
        """Makes the HTML page, figures and tables, and gives the page: `report` of the command line with its options."""
        report(self, **options)
        out = options.get("out")
        return (pathlib.Path(out) if out else self.path / "report") / "report.html"

    def compare(self, *others: Union[Run, _PathLike], **options: Any) -> int:
        """Says which differences are beyond noise: `compare` of the command line with its options."""
        return compare(self, *others, **options)

    def resume(self, *, progress: Callable[[Progress], None] | None = None, **given: Any) -> Run:
        """Goes on with what is left of it; `attention` gives the objects again that it was started with."""
        return resume(self, progress=progress, **given)

    def _folder(self, attention: str | None) -> pathlib.Path:
        there = self.attentions
        if attention is None:
            if len(there) != 1:
                raise ValueError(f"{self.path} has results of {', '.join(there) or 'nothing'}; name one")
            attention = there[0]
        if attention not in there:
            raise ValueError(f"{self.path} has no results of {attention}; there is {', '.join(there) or 'nothing'}")
        return self.path / attention

    def _json(self, attention: str | None, name: str) -> dict[str, Any]:
        read: dict[str, Any] = json.loads((self._folder(attention) / name).read_text())
        return read


def bench(
    benchmark: Benchmark | str | Sequence[str],
    model: Model | str | None = None,
    *,
    attention: Attention | Sequence[Attention] | Mapping[str, Attention] | None = None,
    retention: Keeping | Sequence[Keeping] | Mapping[str, Keeping] | None = None,
    progress: Callable[[Progress], None] | None = None,
    **options: Any,
) -> Run:
    """Runs a benchmark, or several: each attention on the same rows.

    `benchmark` is an object, a name, a list of names, or the name of a class, `file.py:Class` or `package.module:Class`.

    `model` is one of `sah.load`, or a name as `--model` takes it. `attention` is one or a list of presets, files,
    `file.py:Class`, configurations and `sah.Masker` objects, or a dictionary of those by the names of their results; `retention`
    is the same with `sah.Retention` objects. `progress` is called at each step. The options are the flags of `bench`, with `_`
    for `-`.

    Ctrl-C ends it after the context at work, by KeyboardInterrupt; `sah.resume` goes on.
    """
    own = benchmark if isinstance(benchmark, Benchmark) else None
    line = ["bench", _name(benchmark)]
    if isinstance(model, Model):
        line += model.words
    elif model is not None:
        line.append(f"--model={model}")
    return _run(line + words(options), model, (attention, retention), own, progress)


def resume(
    run: Union[Run, _PathLike],
    model: Model | None = None,
    *,
    attention: Attention | Sequence[Attention] | Mapping[str, Attention] | None = None,
    retention: Keeping | Sequence[Keeping] | Mapping[str, Keeping] | None = None,
    benchmark: Benchmark | None = None,
    progress: Callable[[Progress], None] | None = None,
    **options: Any,
) -> Run:
    """Goes on with what is left of a run. `attention`, `retention` and `benchmark` give the objects again that it was started with."""
    line = ["bench", f"--resume={_path(run)}", *words(options)]
    own = benchmark or (run.benchmark if isinstance(run, Run) else None)
    return _run(line, model, (attention, retention), own, progress, is_resumed=True)


def report(*runs: Union[Run, _PathLike], **options: Any) -> int:
    """Makes one HTML page of finished runs, with figures and tables: `report` of the command line."""
    return _command(["report", *map(_path, runs), *words(options)], runs)


def compare(*runs: Union[Run, _PathLike], **options: Any) -> int:
    """Says which differences of finished runs are beyond noise: `compare` of the command line."""
    return _command(["compare", *map(_path, runs), *words(options)], runs)


def command(*line: str) -> int:
    """Any command line in this process, such as `command("maskers")`; gives its exit code."""
    return _command(list(line), ())


def _path(run: Union[Run, _PathLike]) -> str:
    return str(run.path) if isinstance(run, Run) else os.fspath(run)


def _name(benchmark: Benchmark | str | Sequence[str]) -> str:
    if isinstance(benchmark, Benchmark):
        return benchmark.name
    return benchmark if isinstance(benchmark, str) else ",".join(benchmark)


def _command(line: list[str], runs: Sequence[Union[Run, _PathLike]]) -> int:
    prepare(line)
    own = {run.benchmark.name: run.benchmark for run in runs if isinstance(run, Run) and run.benchmark is not None}
    line, by_class = named(line)
    call = Given(benchmarks=[*own.values(), *by_class])
    return _sah.call(PROGRAM, line, call, None, Caller(None))


def _run(
    line: list[str],
    model: Model | str | None,
    methods: tuple[Any, Any],
    benchmark: Benchmark | None,
    progress: Callable[[Progress], None] | None,
    is_resumed: bool = False,
) -> Run:
    prepare(line)
    line, by_class = named(line)
    models = model.models if isinstance(model, Model) else None
    with given(*methods) as call, shown(progress) as show:
        caller = Caller(show)
        call.benchmarks = [*by_class, *([] if benchmark is None else [benchmark])]
        if not is_resumed:
            line = [*line, *call.words]
        with caller.interruptible():
            code = _sah.call(PROGRAM, line, call, models, caller)
    return Run(caller.folder or ".", code, benchmark)
