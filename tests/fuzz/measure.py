"""What one input costs: CPU time of this process, and how far its resident memory rose above what it had."""

import contextlib
import resource
import signal
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import NamedTuple

CPU_LIMIT_S = 1.0
#: What is larger takes a bit longer while all processors are busy with this.
_SECONDS_A_BYTE = 0.5 / (1 << 20)
MEMORY_LIMIT = 300 << 20
#: By then an input is stopped: by a signal that Python and its regular expressions heed, and by a lack of memory.
_CPU_STOP_S = 10.0
_MEMORY_STOP = 2 * MEMORY_LIMIT
_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def cpu_limit_s(size: int) -> float:
    """How much CPU time an input of a size in bytes may take, in seconds."""
    return max(CPU_LIMIT_S, size * _SECONDS_A_BYTE)


class TooSlow(BaseException):
    """Raised within a reader that takes far too long; no reader catches it."""


class Outcome(NamedTuple):
    """CPU time in seconds and memory in bytes that a call took, what it gave, and what it raised instead."""

    cpu_s: float
    memory: int
    value: object
    fault: BaseException | None


def confine() -> None:
    """Give this process little more memory than an input may take, and hear when one takes too much time."""
    size = _size("VmSize") + _MEMORY_STOP
    resource.setrlimit(resource.RLIMIT_AS, (size, size))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGPROF, _stop)


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise TooSlow(f"stopped after {_CPU_STOP_S:g} s of CPU time")


def run(call: Callable[[], object]) -> Outcome:
    """Run a call and measure it. The process must be confined."""
    with contextlib.suppress(OSError):  # without it the peak is that of all calls so far
        _CLEAR.write_text("5")
    before, began_s = _size("VmRSS"), time.process_time()
    value, fault = None, None
    signal.setitimer(signal.ITIMER_PROF, _CPU_STOP_S)
    try:
        value = call()
    except (Exception, TooSlow) as raised:  # noqa: BLE001 - whatever it is, it is what is looked for
        fault = raised
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    return Outcome(time.process_time() - began_s, max(0, _size("VmHWM") - before), value, fault)


def _size(name: str) -> int:
    """A size that the system knows of this process, in bytes."""
    lines = _STATUS.read_text().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith(f"{name}:"))
