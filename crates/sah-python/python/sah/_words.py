"""Options as the command line has them."""

import os
import sys
from collections.abc import Mapping
from typing import Any

#: How a process of this command line is started.
PROGRAM = [sys.executable, "-m", "sah"]


def words(options: Mapping[str, Any]) -> list[str]:
    """`options` by the names of flags, with `_` for `-`, as a command line.

    `True` is a flag without a value, `False` and `None` are flags that are not given; a list gives a flag several values, a
    dictionary several `name=value`.
    """
    line: list[str] = []
    for name, value in options.items():
        flag = "--" + name.rstrip("_").replace("_", "-")
        if value is None or value is False:
            continue
        if value is True:
            line.append(flag)
        elif isinstance(value, Mapping):
            line += [f"{flag}={key}={_text(item)}" for key, item in value.items()]
        elif isinstance(value, (list, tuple)):
            line += [f"{flag}={_text(item)}" for item in value]
        else:
            line.append(f"{flag}={_text(value)}")
    return line


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (str, int, float)):
        return str(value)
    if isinstance(value, os.PathLike):
        return str(os.fspath(value))
    raise TypeError(f"{value!r} is no value of an option; write text, a number, a path, or a list of them")
