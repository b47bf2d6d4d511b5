"""Benchmarks that a command line names by their classes: `bench my_file.py:Colours`, or `report RUN` of such a run."""

from __future__ import annotations

import hashlib
import inspect
import json
import os
import pathlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from sah._benchmark import Benchmark
from sah._sah import UsageError
from sah._sources import found

#: The flag by which run.json has the file of a class.
FILE_FLAG = "--benchmark-file"
#: `file.py:Class` or `package.module:Class`.
_CLASS = re.compile(r"(.+\.py|\w+(?:\.\w+)*):(\w+)")
#: The commands whose words are folders of runs.
_READING = ("report", "compare")
#: SHA-256 of the files of classes when this process imported them.
_imported: dict[pathlib.Path, str] = {}


class Named(Benchmark):
    """An object of a class under the name that its runs have: the file without its folder, and the class."""

    def __init__(self, name: str, own: Benchmark, file: pathlib.Path | None) -> None:
        self.name = name
        self.about = own.about
        self.tasks = tuple(own.tasks) or (getattr(own, "name", type(own).__name__),)
        self.metric_files = [*own.metric_files, *([] if file is None else [file])]
        self.own = own
        #: The file of its class, if it has one.
        self.file = file

    def rows(self, count: Callable[[str], int]) -> Iterable[Mapping[str, Any]]:
        return self.own.rows(count)

    def score(self, answer: str, row: Mapping[str, Any]) -> float:
        return self.own.score(answer, row)


def named(line: Sequence[str]) -> tuple[list[str], list[Benchmark]]:
    """The command line as `_sah` takes it, and the benchmarks that it names by their classes."""
    words = list(line)
    start = next((at for at, word in enumerate(words) if word in ("bench", *_READING)), len(words))
    before, rest = words[: start + 1], words[start + 1 :]
    if words[:1] == ["score"] and any(map(_CLASS.fullmatch, words[1:2])):
        raise UsageError(f"score {words[1]}: files of predictions are scored by names alone, not by classes; call its score()")
    if before[-1:] == ["bench"]:
        runs = list(_values(rest, "--resume"))
        rest, own = _of_line(rest, is_resumed=bool(runs))
    else:
        runs, own = [word for word in _without(rest, "--out") if not word.startswith("-")], []
    return before + rest, [*own, *_of_runs(runs)]


def _of_line(rest: list[str], is_resumed: bool) -> tuple[list[str], list[Named]]:
    """What stands behind `bench` as `_sah` takes it, and the benchmark that its first word names by a class."""
    at = next((at for at, word in enumerate(rest) if word not in ("-q", "--quiet")), len(rest))
    word = rest[at] if at < len(rest) and not rest[at].startswith("-") else ""
    if "," in word and any(_CLASS.fullmatch(part) for part in word.split(",")):
        raise UsageError(f"{word}: a benchmark that is named by its class runs alone; name one of them")
    match = _CLASS.fullmatch(word)
    if match is None:
        return rest, []
    name, place, flags = word, word, []
    if match[1].endswith(".py"):
        path = pathlib.Path(match[1]).resolve()
        # Reports make folders of names: a path would lead out of theirs.
        name, place, flags = f"{path.name}:{match[2]}", f"{path}:{match[2]}", [f"{FILE_FLAG}={path}"]
    if is_resumed:
        # The run says where the class is.
        return [*rest[:at], name, *rest[at + 1 :]], []
    return [*rest[:at], name, *flags, *rest[at + 1 :]], [_made(name, place)]


def _of_runs(runs: Sequence[str]) -> list[Named]:
    """The benchmarks of runs that are named by their classes, each once."""
    benchmarks: dict[str, Named] = {}
    for run in runs:
        for one in _of_run(pathlib.Path(run)):
            if (other := benchmarks.setdefault(one.name, one)).file != one.file:
                both = f"its {one.name} is {one.file}, and that of another run is {other.file}"
                raise UsageError(f"{run}: {both}; name one run at a time")
    return list(benchmarks.values())


def _of_run(folder: pathlib.Path) -> Iterator[Named]:
    """The benchmarks of the run in `folder`, or of the runs in its folders, that are named by their classes."""
    for file in sorted({*folder.glob("run.json"), *folder.glob("*/run.json")}):
        try:
            started = json.loads(file.read_text())
            lines = [started["arguments"]] if "arguments" in started else started["benchmarks"]
        except (OSError, ValueError, KeyError):
            # `_sah` reads it again where it needs it, and says what is wrong with it.
            continue
        for line in lines:
            # The command, the benchmark, its options.
            name = line[1]
            if (match := _CLASS.fullmatch(name)) is None:
                continue
            place, cls = match.groups()
            yield _made(name, f"{_file(file, line, place)}:{cls}" if place.endswith(".py") else name)


def _file(run: pathlib.Path, line: Sequence[str], name: str) -> pathlib.Path:
    """The file `name` of a class in the command line of `run`: where it was, or in the current folder."""
    before = pathlib.Path(next(_values(line, FILE_FLAG), name))
    places = [before, pathlib.Path(name).resolve()]
    there = next((place for place in places if place.is_file()), None)
    if there is None:
        problem = f"its benchmark was in {before}, and no such file is there"
        raise UsageError(f"{run}: {problem}; put {name} into the current folder")
    return there


def _made(name: str, place: str) -> Named:
    """An object of the class at `place`."""
    try:
        cls = found(place)
        own = cls()
    except Exception as error:
        problem = f"{type(error).__name__}: {error}"
        remedy = "it must be a class that can be imported here and made without arguments"
        raise UsageError(f"benchmark {place}: {problem}; {remedy}") from error
    if not isinstance(own, Benchmark):
        raise UsageError(f"benchmark {place}: {cls.__name__} is no sah.Benchmark")
    return Named(name, own, _unchanged(cls))


def _unchanged(cls: type) -> pathlib.Path | None:
    """The file of `cls`, which must be as it was imported: a run has its SHA-256. `None` where Python knows none."""
    try:
        file = inspect.getsourcefile(cls)
    except TypeError:
        file = None
    if file is None or not os.path.isfile(file):
        return None
    path = pathlib.Path(file).resolve()
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    if _imported.setdefault(path, sha256) != sha256:
        raise UsageError(f"{path} was changed since this process imported it; start a new process")
    return path


def _values(line: Sequence[str], flag: str) -> Iterator[str]:
    """What `flag` is given in a command line."""
    for at, word in enumerate(line):
        if word == flag and at + 1 < len(line):
            yield line[at + 1]
        elif word.startswith(f"{flag}="):
            yield word[len(flag) + 1 :]


def _without(line: Sequence[str], flag: str) -> list[str]:
    """A command line without `flag` and its value."""
    return [word for at, word in enumerate(line) if word != flag and (at == 0 or line[at - 1] != flag)]
