"""What sparse attention, and dropping keys, do to a language model on long contexts.

    import sah

    model = sah.load("smollm2-135m-instruct")
    run = sah.bench("ruler", model, attention=["dense", "quest"], lengths=[1024], result_dir="runs")
    run.report()

Options are the flags of the command line, with `_` for `-`: `python -m sah bench ruler --help` lists them.
"""

import os as _os

# As the command line has it: threads that wait would take the cores of those that compute. libgomp reads it when torch is loaded.
_os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import torch as _torch  # noqa: E402

_TORCH = "2.13.0"
if _torch.__version__.split("+")[0] != _TORCH:
    raise ImportError(
        f"sah is built for torch {_TORCH}, and this environment has {_torch.__version__}; pip install torch=={_TORCH}"
    )

from sah._sah import Error, UsageError, __version__  # noqa: E402
from sah._benchmark import Benchmark  # noqa: E402
from sah._metric import Metric, benchmark, metric  # noqa: E402
from sah._export import export_kvpress  # noqa: E402
from sah._rows import Rows  # noqa: E402
from sah._run import Run, bench, command, compare, report, resume  # noqa: E402
from sah._masker import Masker, State  # noqa: E402
from sah._retention import Retention  # noqa: E402
from sah._model import Answer, Model, load  # noqa: E402
from sah._selections import EVERYTHING, Best, Pages, Ranges, Sampled  # noqa: E402
from sah._transformers import transformers  # noqa: E402

__all__ = [
    "EVERYTHING",
    "Answer",
    "Benchmark",
    "Best",
    "Error",
    "Masker",
    "Metric",
    "Model",
    "Pages",
    "Ranges",
    "Retention",
    "Rows",
    "Run",
    "Sampled",
    "State",
    "UsageError",
    "__version__",
    "bench",
    "benchmark",
    "command",
    "compare",
    "export_kvpress",
    "load",
    "metric",
    "report",
    "resume",
    "transformers",
]
