"""The whole command line: `python -m sah bench longbench --attention my_idea.py:Newest`."""

import signal
import sys

from sah import _sah
from sah._default_model import prepare
from sah._words import PROGRAM


def main() -> int:
    # The command line answers Ctrl-C itself, and ends after the context at work.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    prepare(sys.argv[1:])
    return _sah.main(PROGRAM, sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
