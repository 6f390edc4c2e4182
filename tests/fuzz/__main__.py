"""`make fuzz`: every reader of files, with inputs that nobody meant, for FUZZ_S seconds.

Each input must end in a value or in InvalidInput, within 1 s of CPU time and 300 MiB. FUZZ_SEED repeats a trial: the
same inputs in the same order, as far as the time goes. FUZZ_IMAGES names a folder of real kernel images, which have
the limits of a worker's child. What fails is made small and kept in tests/corpus, where tests read it from then on.
Exit code 1 when anything failed.
"""

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from hashlib import sha256
from pathlib import Path
from typing import Any

from tests.fuzz.measure import CPU_LIMIT_S, MEMORY_LIMIT, cpu_limit_s

ROOT = Path(__file__).resolve().parents[2]
CORPUS = ROOT / "tests" / "corpus"
CORPUS_LIMIT = 64 << 10
PROCESSES = 2
#: For the last input of a process, and for making it small.
_GRACE_S = 60.0


def main() -> int:
    """Run the trial, print what it did, and return the exit code."""
    seconds = float(os.environ.get("FUZZ_S") or 60)
    seed = int(os.environ.get("FUZZ_SEED") or random.SystemRandom().randrange(10**6))
    print(f"fuzz: {seconds:g} s, seed {seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="patreview-fuzz-") as name:
        results, lost = _run(seed, seconds, Path(name))
        _print_costs(results)
        found = {(one[0], one[1]): one for result in results for one in result["found"]}
        failures = [*found.values(), *lost]
        for target, wrong, path, message in failures:
            kept = _keep(target, Path(path).read_bytes())
            print(f"FAILED {target}: {wrong}\n  {message}\n  input: {kept}")
    inputs = sum(sum(result["counts"].values()) for result in results)
    print(f"fuzz: {inputs} inputs, {len(failures)} failures: {'FAILED' if failures else 'passed'}, seed {seed}")
    return 1 if failures or not inputs else 0


def _run(seed: int, seconds: float, folder: Path) -> tuple[list[dict[str, Any]], list[list[str]]]:
    """What the processes found, and the inputs that took a process along."""
    began_s = time.monotonic()
    running = []
    for number in range(PROCESSES):
        place = folder / str(number)
        place.mkdir()
        argv = [sys.executable, "-m", "tests.fuzz.worker", str(seed + number * 10**6), str(seconds), str(place)]
        running.append((place, subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE)))
    results, lost = [], []
    for place, process in running:
        try:
            output, _ = process.communicate(timeout=max(0.0, began_s + seconds + _GRACE_S - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            lost.append(_last_input(place, "it did not end"))
            continue
        if process.returncode > 0:
            raise RuntimeError("the process that tries inputs failed by itself: the reason is above")
        if process.returncode < 0:
            lost.append(_last_input(place, f"signal {-process.returncode}"))
        else:
            results.append(json.loads(output))
    return results, lost


def _last_input(place: Path, how: str) -> list[str]:
    """The input that a process had when it ended before its time."""
    current = place / "current"
    target, _, body = (current.read_bytes() if current.exists() else b"").partition(b"\n")
    current.write_bytes(body)
    return [target.decode() or "none", f"the process was taken along: {how}", str(current), "made no smaller"]


def _keep(target: str, body: bytes) -> Path:
    """Where an input is kept for good: in the corpus if it is small."""
    folder = CORPUS if len(body) <= CORPUS_LIMIT else Path(tempfile.gettempdir())
    path = folder / f"{target}.{sha256(body).hexdigest()[:12]}"
    path.write_bytes(body)
    return path


def _print_costs(results: list[dict[str, Any]]) -> None:
    print(
        f"{'reader':<12}{'inputs':>9}{'refused':>9}{'worst CPU s':>13}{'of bytes':>10}{'worst MiB':>11}{'of bytes':>10}"
    )
    for name in results[0]["counts"] if results else ():
        cpu_s, long = max(result["slowest"].get(name, (0, 0)) for result in results)
        memory, large = max(result["largest"].get(name, (0, 0)) for result in results)
        counts = (sum(result[key].get(name, 0) for result in results) for key in ("counts", "refused"))
        inputs, refused = counts
        print(f"{name:<12}{inputs:>9}{refused:>9}{cpu_s:>13.3f}{long:>10}{memory / 2**20:>11.1f}{large:>10}")
    large_s = cpu_limit_s(4 << 20)
    print(f"limits of an input: {CPU_LIMIT_S:g} s of CPU time, of 4 MiB {large_s:g} s, and {MEMORY_LIMIT >> 20} MiB")


if __name__ == "__main__":
    sys.exit(main())
