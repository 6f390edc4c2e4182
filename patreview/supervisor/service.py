"""One long-lived child process: started in a session of its own, restarted, stopped for good."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PR_SET_PDEATHSIG = 1  # linux/prctl.h
FIRST_DELAY_S = 1.0
LONGEST_DELAY_S = 30.0
HEALTHY_AFTER_S = 60.0


@dataclass(slots=True)
class Service:
    """What to run and how to end it; `death_signal` is sent when the supervisor is killed."""

    name: str
    argv: list[str]
    stop_limit_s: float
    death_signal: signal.Signals = signal.SIGTERM
    process: subprocess.Popen[bytes] | None = None
    started_at_s: float = 0.0
    delay_s: float = field(default=FIRST_DELAY_S)
    start_again_at_s: float | None = None

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def next_delay_s(self, *, now_s: float) -> float:
        """Seconds to wait before the next start: doubled each time, forgotten once healthy."""
        if now_s - self.started_at_s >= HEALTHY_AFTER_S:
            self.delay_s = FIRST_DELAY_S
        delay_s = self.delay_s
        self.delay_s = min(self.delay_s * 2, LONGEST_DELAY_S)
        return delay_s


def spawn(
    argv: list[str], *, environment: Mapping[str, str], log: int, death_signal: signal.Signals
) -> subprocess.Popen[bytes]:
    """Start a child that the terminal's Ctrl-C does not reach and that outlives us in no case."""
    return subprocess.Popen(
        argv,
        cwd=ROOT,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        start_new_session=True,
        preexec_fn=_tie_to_parent(death_signal),  # safe: this process has one thread
    )


def _tie_to_parent(death_signal: signal.Signals) -> Callable[[], None] | None:
    """prctl(2) for the child between fork and exec."""
    if not sys.platform.startswith("linux"):
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def tie() -> None:
        prctl(PR_SET_PDEATHSIG, int(death_signal))
        if os.getppid() != parent:  # it died before the line above
            os._exit(1)

    return tie


def signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """Signal everything in the child's session; what is gone already is no error."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def end(process: subprocess.Popen[bytes], *, limit_s: float) -> bool:
    """SIGTERM, then SIGKILL to the whole group after the limit. True if it went by itself."""
    went = True
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(limit_s)
    except subprocess.TimeoutExpired:
        went = False
    signal_group(process, signal.SIGKILL)
    process.wait()
    return went


def how_it_ended(returncode: int) -> str:
    if returncode < 0:
        return f"ended by {signal.Signals(-returncode).name}"
    return f"ended with exit code {returncode}"
