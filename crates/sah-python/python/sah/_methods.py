"""Attentions and retentions of a call: names of the command line, dictionaries and objects."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Union

from sah import _sah
from sah._benchmark import Benchmark
from sah._masker import Masker
from sah._retention import Retention
from sah._sources import described

#: A preset, a file, `file.py:Class`; a configuration as a file has it, objects among its maskers; or a masker alone.
Attention = Union[str, Mapping[str, Any], Masker]
#: The same for what stays of a context: objects are among the rules.
Keeping = Union[str, Mapping[str, Any], Retention]


@dataclasses.dataclass
class Given:
    """What a call is given, for the command line."""

    #: The names, as options.
    words: list[str] = dataclasses.field(default_factory=list)
    #: Those that are no names: name and configuration as JSON.
    attentions: list[tuple[str, str]] = dataclasses.field(default_factory=list)
    retentions: list[tuple[str, str]] = dataclasses.field(default_factory=list)
    benchmarks: list[Benchmark] = dataclasses.field(default_factory=list)


@contextlib.contextmanager
def given(
    attention: Attention | Sequence[Attention] | Mapping[str, Attention] | None,
    retention: Keeping | Sequence[Keeping] | Mapping[str, Keeping] | None,
) -> Iterator[Given]:
    """Both for a call. What configurations name in this process is forgotten afterwards."""
    kept: list[int] = []
    call = Given()
    try:
        for flag, parts, method, what, configs in (
            ("--attention", "maskers", "select", attention, call.attentions),
            ("--retention", "rules", "scores", retention, call.retentions),
        ):
            for name, one in _each(what, parts):
                if isinstance(one, str):
                    if name not in (None, one):
                        raise ValueError(f"{one!r} goes by its own name in results, not as {name!r}; only configurations and objects are named")
                else:
                    config = dict(one) if isinstance(one, Mapping) else {parts: [one]}
                    name = name or _name(config, parts)
                    config[parts] = [_configured(part, method, kept) for part in config[parts]]
                    configs.append((name, json.dumps(config)))
                call.words.append(f"{flag}={one if isinstance(one, str) else name}")
        yield call
    finally:
        for key in kept:
            _sah.forget_object(key)


def _each(what: Any, parts: str) -> list[tuple[str | None, Any]]:
    if what is None:
        return []
    if isinstance(what, Mapping) and parts not in what:
        return list(what.items())
    if isinstance(what, (str, Mapping)) or not isinstance(what, Sequence):
        return [(None, what)]
    return [(None, one) for one in what]


def _configured(part: Any, method: str, kept: list[int]) -> Any:
    if isinstance(part, Mapping):
        return part
    if not callable(getattr(part, method, None)):
        raise TypeError(f"{part!r} has no method {method}()")
    kept.append(_sah.keep_object(part))
    return {**described(part), "object": kept[-1]}


def _name(config: Mapping[str, Any], parts: str) -> str:
    """The classes and types of the parts."""
    return "+".join(part["type"] if isinstance(part, Mapping) else type(part).__name__ for part in config[parts])
