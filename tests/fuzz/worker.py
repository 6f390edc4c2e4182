"""One process that puts inputs to the readers until its time is over; what it found goes to standard output as JSON.

Arguments: seed, seconds, folder. Before each input is read it is written to the folder, so that one that takes the
process along is not lost.
"""

import gc
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded

from simulator.images.confinement import CPU_LIMIT_S as CHILD_LIMIT_S
from simulator.images.confinement import fingerprint
from tests.fuzz.grammars import texts
from tests.fuzz.measure import MEMORY_LIMIT, Outcome, confine, cpu_limit_s, run
from tests.fuzz.mutation import filled, mutate
from tests.fuzz.reduction import reduced
from tests.fuzz.seeds import BOUNDS, Seeds, real_images, seeds_of
from tests.fuzz.targets import TARGETS, Target, Wrong, read

#: Inputs of a target before the next one has its turn: examples with changes, texts by grammar, and those with changes.
BATCH, GRAMMAR_BATCH, CHANGED = 300, 10, 10
FILLED = 6


class Worker:
    """What was tried and found so far."""

    def __init__(self, seed: int, folder: Path) -> None:
        self.dice = random.Random(seed)
        self.folder = folder
        self.counts: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.slowest: dict[str, tuple[float, int]] = {}
        self.largest: dict[str, tuple[int, int]] = {}
        self.found: dict[tuple[str, str], str] = {}

    def work(self, until: float) -> None:
        """Put batches to one target after the other."""
        while True:
            for target in TARGETS.values():
                for body in (target.make(self.dice) for _ in range(BATCH)):
                    self.put(target, body)
                    if time.monotonic() > until:
                        return
                self._put_generated(target)
                for _ in range(FILLED if target.name in BOUNDS else 0):
                    self.put(target, filled(self.dice, target.name))
            for body in _real(self.dice):
                self.put(TARGETS["image"], body, limit_s=CHILD_LIMIT_S)
            gc.collect()

    def _put_generated(self, target: Target) -> None:
        """Texts by grammar, as they are and with changes."""
        found = _generated(target.name, self.dice.randrange(1 << 30))
        for body in found:
            self.put(target, body)
            seeds = seeds_of(target.name)._replace(examples=(body, body, self.dice.choice(found)))
            for _ in range(CHANGED):
                self.put(target, mutate(self.dice, seeds))

    def put(self, target: Target, body: bytes, *, limit_s: float = 0.0) -> None:
        """Let a target read an input, and keep what is wrong with that."""
        limit_s = limit_s or cpu_limit_s(len(body))
        (self.folder / "current").write_bytes(target.name.encode() + b"\n" + body)
        outcome = run(lambda: read(target, body))
        self.counts[target.name] += 1
        self.refused[target.name] += outcome.value is False
        self.slowest[target.name] = max(self.slowest.get(target.name, (0.0, 0)), (outcome.cpu_s, len(body)))
        self.largest[target.name] = max(self.largest.get(target.name, (0, 0)), (outcome.memory, len(body)))
        wrong = wrong_with(outcome, limit_s)
        if wrong is not None and (target.name, wrong) not in self.found and _is_again(target, body, wrong, limit_s):
            self.found[target.name, wrong] = ""
            self._keep(target, body, wrong, limit_s)

    def _keep(self, target: Target, body: bytes, wrong: str, limit_s: float) -> None:
        smallest = reduced(body, lambda part: wrong_with(run(lambda: read(target, part)), limit_s) == wrong)
        outcome = run(lambda: read(target, smallest))
        path = self.folder / f"{len(self.found)}-{target.name}"
        path.write_bytes(smallest)
        self.found[target.name, wrong] = f"{path}\n{type(outcome.fault).__name__}: {str(outcome.fault)[:500]}"

    def as_data(self) -> dict[str, object]:
        """All of it, for the process that adds it up."""
        return {
            "counts": self.counts,
            "refused": self.refused,
            "slowest": self.slowest,
            "largest": self.largest,
            "found": [[*key, *said.partition("\n")[::2]] for key, said in self.found.items()],
        }


def wrong_with(outcome: Outcome, limit_s: float) -> str | None:
    """What is wrong with how an input was read, the same words for the same defect; None if all is well."""
    if outcome.fault is not None:
        about = str(outcome.fault).partition(":")[0] if isinstance(outcome.fault, Wrong) else ""
        return f"{fingerprint(outcome.fault)} {about}".strip()
    if outcome.cpu_s > limit_s:
        return f"more than {limit_s:g} s of CPU time"
    return f"more than {MEMORY_LIMIT >> 20} MiB" if outcome.memory > MEMORY_LIMIT else None


def _is_again(target: Target, body: bytes, wrong: str, limit_s: float) -> bool:
    """Whether it is the input's fault: time and memory are measured a second time."""
    gc.collect()
    return wrong_with(run(lambda: read(target, body)), limit_s) == wrong


def _generated(name: str, seed: int) -> list[bytes]:
    """Texts by the grammar of a reader, where there is one."""
    strategy = texts(name)
    found: list[bytes] = []
    if strategy is not None:
        quiet = settings(
            max_examples=GRAMMAR_BATCH,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )

        @seeded(seed)
        @quiet
        @given(strategy)
        def take(body: bytes) -> None:
            found.append(body)

        take()
    return found


def _real(dice: random.Random) -> Iterator[bytes]:
    """One of the real images, as it is and with changes."""
    paths = real_images()
    if paths:
        body = dice.choice(paths).read_bytes()
        yield body
        yield mutate(dice, Seeds((body,), (b"\0",)))


def main(seed: int, seconds: float, folder: Path) -> None:
    """Work, and say what came of it."""
    until = time.monotonic() + seconds
    confine()
    worker = Worker(seed, folder)
    worker.work(until)
    json.dump(worker.as_data(), sys.stdout)


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), Path(sys.argv[3]))
