"""The five faults. Each hits one process of the installation under test, or its own broker."""

from __future__ import annotations

import os
import random
import signal
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass

from tests.faults.installation import Installation

PROCESS_LIMIT_S = 45.0  # the supervisor's longest back-off is 30 s


@dataclass(frozen=True, slots=True)
class Injection:
    """What was done, to which process, how many seconds after the start."""

    kind: str
    target: str
    at_s: float


def kill_service(name: str) -> Callable[[Installation, random.Random], str]:
    def kill(installation: Installation, _dice: random.Random) -> str:
        pid = wait_for_process(lambda: installation.pid(name), name)
        os.kill(pid, signal.SIGKILL)
        return f"pid {pid}"

    return kill


def kill_pool_child(installation: Installation, dice: random.Random) -> str:
    def choose() -> int | None:
        children = installation.pool_children()
        return dice.choice(children) if children else None

    pid = wait_for_process(choose, "pool child")
    os.kill(pid, signal.SIGKILL)
    return f"pid {pid}"


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
