"""`make faults`: five kinds of fault while submissions come in, then submissions with no broker at all.

Prints what was injected and a summary; exit code 1 when anything was lost, doubled or refused.
FAULTS_N is the number of submissions of the first part, FAULTS_SEED repeats a trial.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from types import FrameType

from patreview.supervisor.broker import answers, broker_argv, broker_url, server_binary
from tests.faults.burst import Answer, layouts, submit_all
from tests.faults.database import own_database
from tests.faults.injection import KINDS, Injection
from tests.faults.installation import PROJECT, Installation
from tests.faults.ledger import Row, settle, violations

TRIAL_LIMIT_S = 15 * 60
SETTLE_LIMIT_S = 240.0
ROUND = 10  # submissions of a round, in which one fault falls
LEAST_ROUNDS = 2 * len(KINDS)
OFFLINE_SHARE = 10  # submissions without a broker: a tenth of the others


@dataclass(slots=True)
class Trial:
    """One trial: its dice, what came of it so far."""

    count: int
    seed: int
    began_s: float = field(default_factory=time.monotonic)
    answers: list[Answer] = field(default_factory=list)
    injections: list[Injection] = field(default_factory=list)

    @property
    def accepted(self) -> list[int]:
        return [answer.run_id for answer in self.answers if answer.run_id is not None]

    @property
    def refused(self) -> list[str]:
        return [f"HTTP {one.status}: {one.text}" for one in self.answers if one.status != 202]


def main() -> int:
    trial = Trial(
        count=int(os.environ.get("FAULTS_N", "200")),
        seed=int(os.environ.get("FAULTS_SEED") or random.SystemRandom().randrange(10**6)),
    )
    print(f"faults: {trial.count} submissions, seed {trial.seed}", flush=True)
    signal.signal(signal.SIGALRM, _out_of_time)
    signal.alarm(TRIAL_LIMIT_S)
    with own_database(os.environ.get("DATABASE_URL", "")) as database_url:
        installation = Installation(database_url=database_url)
        try:
            return _run(installation, trial)
        finally:
            installation.stop()
            installation.remove()


def _out_of_time(_number: int, _frame: FrameType | None) -> None:
    raise TimeoutError(f"the trial took longer than {TRIAL_LIMIT_S} s")


def _run(installation: Installation, trial: Trial) -> int:
    dice = random.Random(trial.seed)
    offline_count = max(5, trial.count // OFFLINE_SHARE)
    chosen = list(layouts(dice, count=trial.count + offline_count))
    print(f"service ready after {installation.start():.1f} s", flush=True)
    installation.manage("create_member", PROJECT, "faults", "--role", "submitter")
    token = installation.manage("create_token", PROJECT, "--user", "faults", "--name", f"faults-{trial.seed}").strip()
    _submit_under_faults(installation, trial, dice, chosen[: trial.count], token)
    rows, waited_s = settle(installation, count=trial.count, limit_s=SETTLE_LIMIT_S)
    broken = violations(rows, trial.accepted) + trial.refused
    _print_part("five kinds of fault", trial, rows, waited_s, broken)
    if not broken:
        broken = _submit_without_broker(installation, trial, chosen[trial.count :], token)
    if broken:
        print(installation.said(), *broken[:20], *installation.log_tails(), sep="\n")
    print(f"faults: {'FAILED' if broken else 'passed'} in {time.monotonic() - trial.began_s:.0f} s, seed {trial.seed}")
    return 1 if broken else 0


def _submit_under_faults(
    installation: Installation, trial: Trial, dice: random.Random, chosen: list[str], token: str
) -> None:
    """Rounds of submissions; in each, at a moment drawn, one fault. Every kind comes in turn."""
    size = max(1, min(ROUND, len(chosen) // LEAST_ROUNDS))
    kinds: list[str] = []
    with ThreadPoolExecutor(1) as background:
        for first in range(0, len(chosen), size):
            submitting = background.submit(
                submit_all, chosen[first : first + size], port=installation.port, token=token
            )
            kinds = kinds or dice.sample(list(KINDS), len(KINDS))
            trial.injections.append(_inject(installation, trial, dice, kinds.pop()))
            trial.answers += submitting.result()


def _inject(installation: Installation, trial: Trial, dice: random.Random, kind: str) -> Injection:
    time.sleep(dice.uniform(0, 0.5))
    target = KINDS[kind](installation, dice)
    injection = Injection(kind=kind, target=target, at_s=time.monotonic() - trial.began_s)
    print(f"  {injection.at_s:6.1f} s  {kind:<18} {target}", flush=True)
    return injection


def _submit_without_broker(installation: Installation, trial: Trial, chosen: list[str], token: str) -> list[str]:
    """Start again with a broker that is not there, submit, then start it."""
    installation.stop()
    left = installation.processes()
    if left:
        return [f"processes left after the stop: {left}"]
    socket_path = installation.folder / "late.sock"
    installation.start(redis_url=broker_url(socket_path))
    offline = Trial(count=len(chosen), seed=trial.seed)
    offline.answers = submit_all(chosen, port=installation.port, token=token)
    argv = broker_argv(server_binary(), socket_path=socket_path, folder=installation.folder)
    broker = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while not answers(socket_path):
            time.sleep(0.05)
        rows, waited_s = settle(installation, count=trial.count + len(chosen), limit_s=SETTLE_LIMIT_S)
        broken = violations(rows, trial.accepted + offline.accepted) + offline.refused
        ours = [row for row in rows if row.run_id in set(offline.accepted)]
        _print_part("no broker while submitting", offline, ours, waited_s, broken)
    finally:
        installation.stop()
        broker.kill()
        broker.wait()
    return broken


def _print_part(name: str, trial: Trial, rows: list[Row], waited_s: float, broken: list[str]) -> None:
    took_ms = sorted(round(answer.took_s * 1000) for answer in trial.answers)
    lines = {
        "submitted": len(trial.answers),
        "accepted (202)": len(trial.accepted),
        "completed": sum(row.state == "completed" for row in rows),
        "reports": sum(row.reports for row in rows),
        "lost": sum(row.reports == 0 for row in rows),
        "twice": sum(row.reports > 1 for row in rows),
        "claimed more than once": sum(row.claims > 1 for row in rows),
        "most claims of a run": max((row.claims for row in rows), default=0),
        "accept time, ms": f"median {took_ms[len(took_ms) // 2]}, longest {took_ms[-1]}",
        "settled after, s": f"{waited_s:.0f}",
        "broken promises": len(broken),
    }
    print(f"\n{name}")
    kinds = [injection.kind for injection in trial.injections]
    for kind in sorted(set(kinds)):
        print(f"  {kind:<24}{kinds.count(kind):>6} times")
    for label, value in lines.items():
        print(f"  {label:<24}{value!s:>6}")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
