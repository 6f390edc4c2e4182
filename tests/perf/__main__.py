"""How fast the engine and the pages are: `make bench`. Ratios of CPU time, each with its reference in the same run.

The reference for fleets is slow and obvious: every guest alone in a scenario of its own. It must agree. Where it
would take too long it is taken over a sample, and says so.
"""

import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from simulator import analyse
from tests.perf.evidence import bench_config, bench_image
from tests.perf.fleet import Data, make_fleet, make_profiles, make_scenario
from tests.perf.pages import bench_pages

ROOT = Path(__file__).parents[2]
PROFILES = 60
SAMPLE = 200
ROUNDS = 5
STARTS = 15
EXPLAIN = ("explain", "--guest", "linux", "--release", "6.12.117", "--mode", "pv", "--role", "dom0", "--driver", "i915")


def cpu_s(do: Callable[[], object], rounds: int = ROUNDS) -> float:
    """The median CPU time of some rounds, in seconds."""
    times = []
    for _ in range(rounds):
        began = time.process_time()
        do()
        times.append(time.process_time() - began)
    return statistics.median(times)


def process_cpu_s(command: Sequence[str]) -> float:
    """The median CPU time of a process and its start, in seconds."""
    times = []
    for _ in range(STARTS):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, cwd=ROOT, env={"PATH": ""}, stdout=subprocess.DEVNULL, check=False)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return statistics.median(times)


def verdicts(report: Data) -> dict[str, tuple[str, str | None]]:
    """The verdict on each guest, started anew and restored."""
    return {member: (one["after"], one["resumed"]) for one in report["classes"] for member in one["members"]}


def one_by_one(guests: list[Data]) -> dict[str, tuple[str, str | None]]:
    """The slow and obvious way: every guest in a scenario of its own."""
    found: dict[str, tuple[str, str | None]] = {}
    for guest in guests:
        found |= verdicts(analyse(make_scenario([guest])))
    return found


def bench_start() -> None:
    """`explain` as a process against a bare start of the same interpreter."""
    bare = process_cpu_s([sys.executable, "-c", "pass"])
    explain = process_cpu_s([sys.executable, "-m", "simulator", *EXPLAIN])
    print(f"explain as a process   {explain * 1e3:6.1f} ms CPU = {explain / bare:.2f} x a bare interpreter "
          f"({bare * 1e3:.1f} ms)")  # fmt: skip


def bench_fleets() -> bool:
    """Fleets of growing size, and of as many behaviours; False where the reference disagrees."""
    profiles = make_profiles(PROFILES)
    agrees = True
    print("guests  classes  ms CPU  guests/s  ms of one by one (its sample)  ratio  agrees")
    for count in (1, 100, 10_000):
        guests = make_fleet(count, profiles)
        report = analyse(make_scenario(guests))
        took = cpu_s(lambda guests=guests: analyse(make_scenario(guests)), rounds=ROUNDS if count < 1000 else 3)
        sample = guests[:SAMPLE]
        began = time.process_time()
        reference = one_by_one(sample)
        slow = (time.process_time() - began) * count / len(sample)
        found = verdicts(report)
        same = all(found[name] == verdict for name, verdict in reference.items())
        agrees = agrees and same
        print(f"{count:6}  {len(report['classes']):7}  {took * 1e3:6.1f}  {count / took:8.0f}  "
              f"{slow * 1e3:12.0f} ({len(sample)})  {slow / took:12.1f}  {'yes' if same else 'NO'}")  # fmt: skip
    return agrees


def bench_classes() -> None:
    """At a fixed number of guests, cost against the number of behaviours; and the other way round."""
    count = 2_000
    few, many = make_profiles(5), make_profiles(PROFILES)
    times = [cpu_s(lambda mix=mix: analyse(make_scenario(make_fleet(count, mix))), rounds=3) for mix in (few, many)]
    reads = cpu_s(lambda: analyse(make_scenario(make_fleet(count, few[:1]))), rounds=3)
    double = cpu_s(lambda: analyse(make_scenario(make_fleet(2 * count, few[:1]))), rounds=3)
    ms = [f"{took * 1e3:.1f} ms" for took in (reads, *times)]
    print(f"{count} guests: 1 behaviour {ms[0]}, 5 {ms[1]}, {PROFILES} {ms[2]}")
    print(f"reading {count} more guests of a known behaviour: {(double - reads) * 1e3:.1f} ms, "
          f"{(double - reads) / count * 1e6:.0f} us each; judging a behaviour more: "
          f"{(times[1] - times[0]) / (PROFILES - 5) * 1e3:.2f} ms")  # fmt: skip


def main() -> int:
    """Print the figures; 1 where the reference disagrees or a page misses its bar."""
    print(f"Python {sys.version.split()[0]}")
    bench_start()
    agrees = bench_fleets()
    bench_classes()
    bench_config(cpu_s)
    bench_image(cpu_s)
    sys.stdout.flush()
    kept = bench_pages()
    return int(not (agrees and kept))


if __name__ == "__main__":
    sys.exit(main())
