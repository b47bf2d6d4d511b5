#!/usr/bin/env bash
# Makes a virtual environment of the Python peers in the repository root and prints the path of its Python:
#
#   venv.sh             `.venv-reference` (requirements.txt): transformers; 6 GB of disk, a few minutes
#   venv.sh transformers-5  `.venv-transformers-5` (requirements-transformers-5.txt, requirements-quantised.txt, requirements-older.txt):
#                       transformers 5 and libraries of quantised weights; as large
#   venv.sh metrics     `.venv-metrics` (requirements.txt of the metrics' reference): LongBench's packages; 0.2 GB, a minute
#   venv.sh text-metrics `.venv-text-metrics` (requirements.txt of crates/sah-metrics): ROUGE, NLTK, Unidecode; 0.2 GB, a minute
#   venv.sh final-integer `.venv-final-integer` (requirements-final-integer.txt of crates/sah-metrics): three harnesses of AIME; 0.4 GB, minutes
#   venv.sh llama-cpp   `.venv-llama-cpp` (requirements-llama-cpp.txt): llama.cpp; needs a C++ compiler, several minutes
#   venv.sh kvpress     `.venv-kvpress` (requirements-kvpress.txt): kvpress and transformers; 6 GB, a few minutes
#   venv.sh results     `.venv-results` (requirements-results.txt): pandas, polars and DuckDB; 0.5 GB, a minute
#   venv.sh tokenizers  `.venv-tokenizers` (requirements-tokenizers.txt): transformers 5 without PyTorch; 0.3 GB, a minute
#
# Does nothing when it is up to date. Needs python3 (3.10 or later) with venv and pip.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
case ${1-} in
"") venv=$root/.venv-reference requirements=$here/requirements.txt ;;
transformers-5) venv=$root/.venv-transformers-5 requirements=$here/requirements-transformers-5.txt ;;
metrics) venv=$root/.venv-metrics requirements=$root/crates/sah-longbench/tests/reference/requirements.txt ;;
text-metrics) venv=$root/.venv-text-metrics requirements=$root/crates/sah-metrics/tests/reference/requirements.txt ;;
final-integer) venv=$root/.venv-final-integer requirements=$root/crates/sah-metrics/tests/reference/requirements-final-integer.txt ;;
llama-cpp) venv=$root/.venv-llama-cpp requirements=$here/requirements-llama-cpp.txt ;;
kvpress) venv=$root/.venv-kvpress requirements=$here/requirements-kvpress.txt ;;
results) venv=$root/.venv-results requirements=$here/requirements-results.txt ;;
tokenizers) venv=$root/.venv-tokenizers requirements=$here/requirements-tokenizers.txt ;;
*)
    echo "venv.sh: there is no environment $1; write transformers-5, metrics, text-metrics, final-integer, llama-cpp, kvpress, results, tokenizers, or nothing for the reference" >&2
    exit 2
    ;;
esac

# The stamp is a copy of the requirements, written last: an install that was cut off is done again.
stamp=$venv/requirements.txt
if ! cmp -s "$requirements" "$stamp"; then
    echo "installing Python packages into $venv (this happens once and takes some minutes)" >&2
    options=()
    # GCC 12 leaves out stores that llama.cpp's set-up of AMX needs, which ends its process at the first product.
    if [[ ${1-} == llama-cpp && $(uname -m) == x86_64 ]]; then
        no_amx="-mno-amx-tile -mno-amx-int8 -mno-amx-bf16"
        # pip would keep what it compiled with other flags.
        options=(--no-cache-dir)
        export CFLAGS="${CFLAGS-} $no_amx" CXXFLAGS="${CXXFLAGS-} $no_amx"
    fi
    python3 -m venv "$venv"
    # The harnesses want model libraries that scoring does not need: their own requirements are in the file, the rest is left out.
    if [[ ${1-} == final-integer ]]; then options=(--no-deps); fi
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "${options[@]}" -r "$requirements" >&2
    if [[ ${1-} == transformers-5 ]]; then
        "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation \
            -r "$here/requirements-quantised.txt" >&2
    fi
    cp "$requirements" "$stamp"
fi
# A library in two versions: the older one lies apart.
if [[ ${1-} == transformers-5 && ! -d $venv/older ]]; then
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --target "$venv/older" \
        -r "$here/requirements-older.txt" >&2
fi
echo "$venv/bin/python"
