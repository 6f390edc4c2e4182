"""What the child process that reads an image gives up before it looks at the first byte, and how it answers."""

import ctypes
import json
import os
import resource
import traceback
from typing import BinaryIO, NamedTuple, TextIO

from simulator.images.reader import IMAGE_LIMIT, read_image
from simulator.problem import InvalidInput

#: Exit status. A signal means that a limit was reached.
READ, DEFECT, REFUSED, NO_MEMORY = 0, 1, 2, 3
OUTPUT_LIMIT = 1 << 20
MEMORY_LIMIT = 768 << 20
CPU_LIMIT_S = 15

#: Source: linux, include/uapi/linux/prctl.h, include/uapi/linux/sched.h.
_PR_SET_NO_NEW_PRIVS = 38
_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000


class Confinement(NamedTuple):
    """What a process gives up: limits of resources (soft, hard), namespaces that it leaves, and new privileges."""

    limits: tuple[tuple[int, tuple[int, int]], ...]
    namespaces: int
    no_new_privileges: int


STRICT = Confinement(
    limits=(
        (resource.RLIMIT_AS, (MEMORY_LIMIT, MEMORY_LIMIT)),
        (resource.RLIMIT_CPU, (CPU_LIMIT_S, CPU_LIMIT_S + 1)),
        (resource.RLIMIT_FSIZE, (0, 0)),
        (resource.RLIMIT_NOFILE, (16, 16)),
        (resource.RLIMIT_NPROC, (0, 0)),
        (resource.RLIMIT_CORE, (0, 0)),
    ),
    # Everybody but root needs a user namespace to leave the network's.
    namespaces=_CLONE_NEWNET if os.geteuid() == 0 else _CLONE_NEWUSER | _CLONE_NEWNET,
    no_new_privileges=1,
)


def isolate(confinement: Confinement) -> dict[str, bool]:
    """Give up what a process does not need to read an image; False is what the system would not take."""
    libc = ctypes.CDLL(None)
    no_new_privileges = libc.prctl(_PR_SET_NO_NEW_PRIVS, confinement.no_new_privileges, 0, 0, 0) == 0
    has_no_network = libc.unshare(confinement.namespaces) == 0
    for limit, values in confinement.limits:
        resource.setrlimit(limit, values)
    return {"network": has_no_network, "no_new_privileges": no_new_privileges, "limits": True}


def used() -> dict[str, object]:
    """CPU time in seconds and the peak of resident memory in bytes that this process took.

    The peak is not ru_maxrss: that counts what the parent had when it forked.
    """
    usage = resource.getrusage(resource.RUSAGE_SELF)
    with open("/proc/self/status", encoding="ascii", errors="replace") as status:
        peak = next(int(line.split()[1]) << 10 for line in status if line.startswith("VmHWM:"))
    return {"cpu_s": round(usage.ru_utime + usage.ru_stime, 3), "peak_bytes": peak}


def fingerprint(fault: BaseException) -> str:
    """A defect in few words: its kind, and the last line of this package that it passed."""
    own = f"{os.sep}simulator{os.sep}"
    frames = [frame for frame in traceback.extract_tb(fault.__traceback__) if own in frame.filename]
    where = [f"{os.path.basename(frame.filename)}:{frame.lineno} {frame.name}" for frame in frames[-1:]]
    return " at ".join([type(fault).__name__, *where])


def read(blob: bytes, source: str) -> tuple[int, dict[str, object]]:
    """What an image says, or what is wrong with it, after the exit status that goes with it."""
    try:
        return READ, {"reading": read_image(blob, source=source).as_data()}
    except InvalidInput as fault:
        return REFUSED, {"problems": fault.problems}
    except MemoryError:
        return NO_MEMORY, {}
    except Exception as fault:  # noqa: BLE001 - whatever it is, the parent wants to hear of it
        return DEFECT, {"fault": fingerprint(fault)}


def main(source: str, *, stdin: BinaryIO, stdout: TextIO, confinement: Confinement = STRICT) -> int:
    """Read an image from `stdin`, write one line of JSON to `stdout`, and return the exit status."""
    isolation = isolate(confinement)
    status, result = read(stdin.read(IMAGE_LIMIT + 1), source)
    line = json.dumps({**result, "isolation": isolation, "used": used()})
    if len(line) >= OUTPUT_LIMIT:
        status, line = DEFECT, json.dumps({"fault": f"{len(line)} bytes of facts"})
    stdout.write(line + "\n")
    stdout.flush()
    return status
