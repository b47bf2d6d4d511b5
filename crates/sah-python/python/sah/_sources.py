"""Classes of methods: where they come from, and objects of them."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import inspect
import pathlib
import sys
from typing import Any

#: What config.json has of an attribute at most.
_LONGEST = 200


def source_sha256(cls: type) -> str | None:
    """SHA-256 of the source of `cls`; `None` where Python does not find it."""
    try:
        return hashlib.sha256(inspect.getsource(cls).encode()).hexdigest()
    except (OSError, TypeError):
        return None


def found(name: str) -> type:
    """The class that `file.py:Class` or `package.module:Class` names."""
    place, _, attribute = name.rpartition(":")
    if place.endswith(".py"):
        path = pathlib.Path(place).resolve()
        module_name = f"sah_method_{hashlib.sha256(str(path).encode()).hexdigest()[:16]}"
        module = sys.modules.get(module_name)
        if module is None:
            spec = importlib.util.spec_from_file_location(module_name, path)
            if spec is None or spec.loader is None or not path.exists():
                raise FileNotFoundError(f"{place}: there is no such file")
            module = importlib.util.module_from_spec(spec)
            sys.modules[module_name] = module
            try:
                spec.loader.exec_module(module)
            except BaseException:
                del sys.modules[module_name]
                raise
    else:
        module = importlib.import_module(place)
    cls = getattr(module, attribute, None)
    if not isinstance(cls, type):
        raise ImportError(f"{place} has no class {attribute}")
    return cls


def made(name: str, arguments: dict[str, Any], sha256: str | None) -> Any:
    """An object of the class `name`. Fails where the source of the class is not that of `sha256`."""
    cls = found(name)
    if sha256 is not None and source_sha256(cls) != sha256:
        raise ImportError(f"{name} was changed since the run began: its source has another SHA-256 than the run")
    return cls(**arguments)


def described(method: Any) -> dict[str, Any]:
    """What config.json has of an object, as far as plain data can say it."""
    cls = type(method)
    attributes = {name: _plain(value) for name, value in vars(method).items() if not name.startswith("_")}
    described: dict[str, Any] = {"type": "python", "class": f"{cls.__module__}:{cls.__qualname__}"}
    if attributes:
        described["arguments"] = attributes
    if (sha256 := source_sha256(cls)) is not None:
        described["source_sha256"] = sha256
    return described


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    return repr(value)[:_LONGEST]
