"""`python -m simulator.images SOURCE < IMAGE`: what an image says, as JSON, from a process that gave up its rights."""

if __name__ == "__main__":  # pragma: no cover - it runs in a process of its own
    import sys

    from simulator.images.confinement import main

    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "the image", stdin=sys.stdin.buffer, stdout=sys.stdout))
