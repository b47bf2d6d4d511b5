"""maturin's build backend, with the libtorch that the extension is linked to.

`LIBTORCH` where it is set, else what `cargo xtask setup` fetched, else the torch that is installed where the wheel is built, which
pip then fetches.
"""

import os
import pathlib

import maturin
from maturin import *  # noqa: F403

TORCH = "2.13.0"
FETCHED = pathlib.Path(__file__).resolve().parents[2] / ".libtorch" / "torch"


def _found():
    """The folder of a libtorch, or None."""
    if "LIBTORCH" in os.environ:
        return os.environ["LIBTORCH"]
    return str(FETCHED) if (FETCHED / "lib" / "libtorch_cpu.so").exists() else None


def _with_torch(requirements):
    return requirements if _found() else [*requirements, f"torch=={TORCH}"]


def get_requires_for_build_wheel(config_settings=None):
    return _with_torch(maturin.get_requires_for_build_wheel(config_settings))


def get_requires_for_build_editable(config_settings=None):
    return _with_torch(maturin.get_requires_for_build_editable(config_settings))


def _set_libtorch():
    found = _found()
    if not found:
        import torch

        found = os.path.dirname(torch.__file__)
    os.environ["LIBTORCH"] = found


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    _set_libtorch()
    return maturin.build_wheel(wheel_directory, config_settings, metadata_directory)


def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    _set_libtorch()
    return maturin.build_editable(wheel_directory, config_settings, metadata_directory)
