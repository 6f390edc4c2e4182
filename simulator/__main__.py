"""`python -m simulator`: the engine by command line."""

import sys

from simulator.command import main

if __name__ == "__main__":  # pragma: no cover - it runs in a process of its own
    sys.exit(main(sys.argv[1:]))
