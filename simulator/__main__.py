"""`python -m simulator`: the engine by command line."""

if __name__ == "__main__":  # pragma: no cover - it runs in a process of its own
    import gc
    import sys

    gc.disable()  # one answer and an end: looking for cycles costs more than it frees

    from simulator.command import main  # what it imports is most of what would be looked through

    code = main(sys.argv[1:])
    gc.freeze()  # the interpreter looks once more when it ends
    sys.exit(code)
