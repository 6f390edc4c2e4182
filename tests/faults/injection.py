"""The five faults. Each hits one process of the installation under test, or its own broker."""

from __future__ import annotations

import os
import random
import signal
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass

from tests.faults.database import claiming_pids
from tests.faults.installation import Installation

BUSY_LIMIT_S = 3.0
PROCESS_LIMIT_S = 45.0  # the supervisor's longest back-off is 30 s


@dataclass(frozen=True, slots=True)
class Injection:
    """What was done, to which process, how many seconds after the start."""

    kind: str
    target: str
    at_s: float


def kill_service(name: str) -> Callable[[Installation, random.Random], str]:
    def kill(installation: Installation, _dice: random.Random) -> str:
        wait_for_process(lambda: installation.pid(name), name)
        if name == "worker":
            busy_pool_child(installation)
        return kill_found(lambda: installation.pid(name), name)

    return kill


def kill_pool_child(installation: Installation, dice: random.Random) -> str:
    def choose() -> int | None:
        children = installation.pool_children()
        return dice.choice(children) if children else None

    wait_for_process(choose, "pool child")
    return kill_found(lambda: busy_pool_child(installation) or choose(), "pool child")


def kill_found(find: Callable[[], int | None], name: str) -> str:
    """SIGKILL to the process that `find` names now; one that has just gone is looked for again."""
    while True:
        pid = wait_for_process(find, name)
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
        return f"pid {pid}"


def busy_pool_child(installation: Installation) -> int | None:
    """A pool child with a run in its hands, so that the fault hits work. None if all stay idle."""
    deadline_s = time.monotonic() + BUSY_LIMIT_S
    while time.monotonic() < deadline_s:
        busy = set(claiming_pids(installation.database_url, installation.data))
        for pid in installation.pool_children():
            if pid in busy:
                return pid
        time.sleep(0.002)
    return None


def wipe_broker(installation: Installation, _dice: random.Random) -> str:
    wait_for_process(lambda: installation.pid("broker"), "broker")
    deadline_s = time.monotonic() + PROCESS_LIMIT_S
    while True:
        try:
            return f"FLUSHALL {ask_broker(installation, b'FLUSHALL')}"
        except OSError:  # started a moment ago
            if time.monotonic() > deadline_s:
                raise
            time.sleep(0.05)


def ask_broker(installation: Installation, command: bytes) -> str:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(2)
        client.connect(str(installation.broker_socket))
        client.sendall(command + b"\r\n")
        return client.recv(100).decode().strip()


def wait_for_process(find: Callable[[], int | None], name: str) -> int:
    """Pid, once the process runs again after an earlier fault."""
    deadline_s = time.monotonic() + PROCESS_LIMIT_S
    while time.monotonic() < deadline_s:
        pid = find()
        if pid is not None:
            return pid
        time.sleep(0.05)
    raise RuntimeError(f"{name} did not come back within {PROCESS_LIMIT_S:.0f} s")


KINDS: dict[str, Callable[[Installation, random.Random], str]] = {
    "worker killed": kill_service("worker"),
    "pool child killed": kill_pool_child,
    "dispatcher killed": kill_service("dispatcher"),
    "broker wiped": wipe_broker,
    "broker killed": kill_service("broker"),
}
