"""The whole command line: `python -m sah bench longbench --attention my_idea.py:Newest`."""

import signal
import sys

from sah import _export, _sah
from sah._default_model import prepare
from sah._named_benchmarks import named
from sah._words import PROGRAM


def main() -> int:
    if sys.argv[1:2] == ["export"]:
        return _export.main(sys.argv[2:])
    # The command line answers Ctrl-C itself, and ends after the context at work.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    prepare(sys.argv[1:])
    try:
        line, benchmarks = named(sys.argv[1:])
    except _sah.UsageError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return _sah.main(PROGRAM, line, benchmarks)


if __name__ == "__main__":
    sys.exit(main())
