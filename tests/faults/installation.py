"""A service of our own under a temporary data folder, started by the real supervisor."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
READY_LIMIT_S = 120.0
STOP_LIMIT_S = 60.0
PROJECT = "desktop-dom0"
# Shorter than an installation's own (30, 40, 60 and 10 s), in the same order, so that the lease of
# a run whose worker was killed ends while we watch.
LIMITS = {
    "PATREVIEW_RUN_SOFT_LIMIT_S": "5",
    "PATREVIEW_RUN_HARD_LIMIT_S": "7",
    "PATREVIEW_RUN_LEASE_S": "10",
    "PATREVIEW_DISPATCH_RESEND_S": "5",
}


class Installation:
    """Processes found by the supervisor's own pid files; nothing else is ever signalled."""

    def __init__(self, *, database_url: str = "") -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="patreview-faults-"))
        self.data = self.folder / "data"
        self.port = free_port()
        self.database_url = database_url
        self.supervisor: subprocess.Popen[bytes] | None = None
        self.environment = {
            **{name: value for name, value in os.environ.items() if name not in ("REDIS_URL", "DATABASE_URL")},
            **LIMITS,
            "PATREVIEW_DATA": str(self.data),
            "HOST": "127.0.0.1",
            "PORT": str(self.port),
            "LOG_LEVEL": "INFO",
        }
        if database_url:
            self.environment["DATABASE_URL"] = database_url

    @property
    def broker_socket(self) -> Path:
        return self.data / "run" / "broker.sock"

    def start(self, *, redis_url: str = "") -> float:
        """Start and wait until ready; seconds it took. With redis_url no broker is embedded."""
        began_s = time.monotonic()
        environment = {**self.environment, **({"REDIS_URL": redis_url} if redis_url else {})}
        with (self.folder / "supervisor.log").open("ab") as log:
            offset = log.tell()
            self.supervisor = subprocess.Popen(
                [sys.executable, "-m", "patreview.supervisor"],
                cwd=ROOT,
                env=environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        while "is ready at" not in self.said()[offset:]:
            if self.supervisor.poll() is not None or time.monotonic() - began_s > READY_LIMIT_S:
                self.stop()
                raise RuntimeError(f"the service did not start:\n{self.said()}")
            time.sleep(0.1)
        return time.monotonic() - began_s

    def said(self) -> str:
        return (self.folder / "supervisor.log").read_text(errors="replace")

    def log_tails(self, *, lines: int = 12) -> list[str]:
        """The last lines of every process's log."""
        tails = []
        for log in sorted((self.data / "log").glob("*.log")):
            tails += [f"-- {log.name}", *log.read_text(errors="replace").splitlines()[-lines:]]
        return tails

    def stop(self) -> None:
        if self.supervisor is None or self.supervisor.poll() is not None:
            return
        self.supervisor.send_signal(signal.SIGTERM)
        try:
            self.supervisor.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            self.supervisor.kill()  # its children are tied to it
            self.supervisor.wait()

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def manage(self, *arguments: str, code: str = "") -> str:
        """Standard output of a management command in this installation."""
        environment = dict(self.environment)
        environment["SECRET_KEY"] = (self.data / "secret-key").read_text()
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=environment,
            input=code,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"manage.py {' '.join(arguments)}: {done.stderr}")
        return done.stdout

    def pid(self, name: str) -> int | None:
        """Process id of a service if it lives and is our supervisor's child."""
        try:
            pid = int((self.data / "run" / f"{name}.pid").read_text())
        except (FileNotFoundError, ValueError):
            return None
        return pid if self.supervisor is not None and parent_of(pid) == self.supervisor.pid else None

    def pool_children(self) -> list[int]:
        """The processes that compute: children of the worker's main process."""
        worker = self.pid("worker")
        if worker is None:
            return []
        try:
            listed = Path(f"/proc/{worker}/task/{worker}/children").read_text()
        except (FileNotFoundError, ProcessLookupError):
            return []
        return [int(word) for word in listed.split()]

    def processes(self) -> list[int]:
        """Every process that carries this installation's data folder in its environment."""
        mark = f"PATREVIEW_DATA={self.data}".encode()
        found = []
        for entry in Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and mark in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
            except OSError:
                continue  # gone, or another user's
        return found


def parent_of(pid: int) -> int | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # proc(5): the command stands in parentheses and may hold blanks; state and parent follow it.
    state, parent = stat.rpartition(")")[2].split()[:2]
    return None if state == "Z" else int(parent)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
