"""Reading an image in a process of its own: whatever its bytes do, the caller gets a result or a problem."""

import contextlib
import json
import os
import select
import signal
import sys
from importlib.util import find_spec
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen
from tempfile import TemporaryFile
from time import monotonic
from typing import IO, NamedTuple

from simulator.problem import Problem

WALL_S = 20.0
OUTPUT_LIMIT = 1 << 20
NAME_LIMIT = 1000
_STEP = 64 << 10
_LIBRARIES = ("zstandard", "lz4")

#: The child's program. It finds nothing but Python's own modules, this package and the two decompressors.
_PROGRAM = (
    "import json, sys; sys.path += json.loads(sys.argv[1]); "
    "from simulator.images.confinement import main; "
    "sys.exit(main(json.loads(sys.argv[2]), stdin=sys.stdin.buffer, stdout=sys.stdout))"
)
#: -I ignores the environment and the user's directory, -S leaves out site-packages, -B writes no bytecode.
_OPTIONS = ("-I", "-S", "-B")

READ, REFUSED, NO_MEMORY = 0, 2, 3


def read_in_child(data: bytes, *, source: str, wall_s: float = WALL_S) -> dict[str, object]:
    """What an image says: `{"reading", "isolation", "used"}`, or `{"problems"}` where it cannot be read.

    Codes of problems: those of read_image(); image_too_hard where it took too much time (in seconds, `wall_s` of the
    clock or the child's own limit of CPU time), memory or output; image_fault where the reader itself failed.
    No bytes make it raise, and no process is left behind.
    """
    try:
        ended = _run(data, source[:NAME_LIMIT], monotonic() + wall_s)
    except OSError as fault:
        return _problem(source, "image_fault", f"the process that reads images could not run: {fault.strerror}")
    return _result_of(ended, source, wall_s)


class Ended(NamedTuple):
    """How a child ended: its output, its exit status (negative: a signal), and whether it had to be stopped and why."""

    output: bytes
    status: int
    stopped: str | None


def _run(data: bytes, source: str, deadline: float) -> Ended:
    with TemporaryFile() as blob:
        blob.write(data)
        blob.seek(0)
        child = Popen(  # noqa: S603 - this Python, with a program that is a constant
            [sys.executable, *_OPTIONS, "-c", _PROGRAM, json.dumps(import_path()), json.dumps(source)],
            stdin=blob,
            stdout=PIPE,
            stderr=DEVNULL,
            env={},
            cwd="/",
            close_fds=True,
            start_new_session=True,
        )
    assert child.stdout is not None
    try:
        output, stopped = _read_output(child.stdout, deadline)
        stopped = stopped or (None if _has_ended(child.pid, deadline) else "time")
    finally:
        # Until it is waited for, its process id and with it that of its group cannot be anybody else's.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        child.stdout.close()
    return Ended(output, child.returncode, stopped)


def import_path() -> list[str]:
    """Where the child finds this package and the decompressors that are installed."""
    found = [Path(__file__).parents[2]]
    for name in _LIBRARIES:
        spec = find_spec(name)
        if spec is not None and spec.origin is not None:
            found.append(Path(spec.origin).parents[1])
    return [*dict.fromkeys(str(path) for path in found)]


def _read_output(pipe: IO[bytes], deadline: float) -> tuple[bytes, str | None]:
    """What comes before the pipe is closed, and why reading was given up: time or output."""
    output = b""
    while True:
        ready, _, _ = select.select([pipe], [], [], max(0.0, deadline - monotonic()))
        if not ready:
            return output, "time"
        step = os.read(pipe.fileno(), _STEP)
        if not step:
            return output, None
        output += step
        if len(output) > OUTPUT_LIMIT:
            return output, "output"


def _has_ended(pid: int, deadline: float) -> bool:
    """Whether a child ends by itself before the deadline; it is not waited for yet."""
    while os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is None:
        if monotonic() > deadline:
            return False
        select.select([], [], [], 0.002)
    return True


def _result_of(ended: Ended, source: str, wall_s: float) -> dict[str, object]:
    """A result or a problem, by how the child ended."""
    if ended.stopped == "time":
        return _problem(source, "image_too_hard", f"the image could not be read within {wall_s:g} s")
    if ended.stopped == "output":
        return _problem(source, "image_too_hard", f"the image yields more than {OUTPUT_LIMIT} bytes of facts")
    if ended.status == -signal.SIGXCPU:
        return _problem(source, "image_too_hard", "the image takes more CPU time to read than it is given")
    if ended.status == -signal.SIGKILL:
        return _problem(source, "image_too_hard", "the system stopped the reading: it ran out of memory or CPU time")
    if ended.status == NO_MEMORY:
        return _problem(source, "image_too_hard", "the image takes more memory to read than it is given")
    result = _parsed(ended.output)
    if ended.status == READ and "reading" in result:
        return result
    if ended.status == REFUSED and "problems" in result:
        return result
    trace = str(result.get("fault") or (f"signal {-ended.status}" if ended.status < 0 else f"status {ended.status}"))
    return _problem(source, "image_fault", f"the reader failed on this image ({trace[:200]}); please report it")


def _parsed(output: bytes) -> dict[str, object]:
    try:
        result = json.loads(output)
    except ValueError:
        return {}
    return result if isinstance(result, dict) else {}


def _problem(source: str, code: str, message: str) -> dict[str, object]:
    return {"problems": [Problem(code=code, message=message, source=source, field="files").as_data()]}
