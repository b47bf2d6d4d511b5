#!/usr/bin/env bash
# Makes the virtual environment of the Python reference, `.venv-reference` in the repository root, and prints the path
# of its Python. Does nothing when it is up to date. Needs python3 (3.10 or later) with venv and pip, and 6 GB of disk.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
venv=$(cd "$here/../.." && pwd)/.venv-reference
stamp=$venv/requirements.txt

# The stamp is a copy of the requirements, written last: an install that was cut off is done again.
if ! cmp -s "$here/requirements.txt" "$stamp"; then
    echo "installing the Python reference into $venv (6 GB, a few minutes)" >&2
    python3 -m venv "$venv"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r "$here/requirements.txt" >&2
    cp "$here/requirements.txt" "$stamp"
fi
echo "$venv/bin/python"
