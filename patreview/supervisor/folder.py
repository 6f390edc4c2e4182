"""The data folder: private, used by one supervisor at a time, holder of key, logs and sockets."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import secrets
import stat
from dataclasses import dataclass
from pathlib import Path

from patreview.supervisor.refusal import ALREADY_RUNS, FOLDER_UNUSABLE, Refusal

# unix(7): sun_path has 108 bytes on Linux (104 on macOS), the closing NUL among them.
SOCKET_PATH_BYTES = 103
LONGEST_SOCKET_NAME = "dispatch.sock"
LOG_BYTES_KEPT = 5_000_000
# A socket path becomes part of REDIS_URL: stay with what needs no quoting there.
PLAIN_PATH = re.compile(rb"[A-Za-z0-9/._-]+")


@dataclass(frozen=True, slots=True)
class DataFolder:
    """Paths below PATREVIEW_DATA; `sockets` lies elsewhere when the folder's own path is long."""

    path: Path
    sockets: Path

    @property
    def run(self) -> Path:
        return self.path / "run"

    @property
    def broker_socket(self) -> Path:
        return self.sockets / "broker.sock"

    @property
    def wake_socket(self) -> Path:
        return self.sockets / "dispatch.sock"

    def log(self, name: str) -> Path:
        return self.path / "log" / f"{name}.log"

    def pid_file(self, name: str) -> Path:
        return self.run / f"{name}.pid"


def open_folder(path: Path) -> DataFolder:
    """Make the folder and its parts, readable by this user alone. Raises Refusal."""
    path = path.absolute()
    try:
        for part in (path, path / "run", path / "log"):
            part.mkdir(parents=True, exist_ok=True)
            part.chmod(0o700)
    except OSError as error:
        raise Refusal(
            f"the data folder {path} cannot be used: {error.strerror}; "
            f"choose another one: make run PATREVIEW_DATA=FOLDER",
            code=FOLDER_UNUSABLE,
        ) from error
    return DataFolder(path=path, sockets=_socket_folder(path))


def _socket_folder(path: Path) -> Path:
    own = path / "run"
    longest = os.fsencode(own / LONGEST_SOCKET_NAME)
    if len(longest) <= SOCKET_PATH_BYTES and PLAIN_PATH.fullmatch(longest):
        return own
    short = Path("/tmp") / f"patreview-{os.getuid()}-{_short_name(path)}"  # noqa: S108 (checked below)
    short.mkdir(mode=0o700, exist_ok=True)
    found = short.lstat()
    # /tmp is shared: another user must not be able to lay out the folder for us.
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise Refusal(f"{short} belongs to someone else; remove it", code=FOLDER_UNUSABLE)
    short.chmod(0o700)
    return short


def _short_name(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:12]


def lock_folder(folder: DataFolder, *, url: str) -> int:
    """Take the folder for this process and leave pid and URL for whoever comes second.

    Returns the open file; the lock ends with it, so also when this process is killed.
    Raises Refusal when another supervisor holds it.
    """
    try:
        lock = os.open(folder.path / "supervisor.lock", os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        held_by = os.read(lock, 500).decode(errors="replace").strip()
        raise Refusal(f"patreview already runs here ({held_by or 'just starting'})", code=ALREADY_RUNS) from None
    except OSError as error:
        raise Refusal(
            f"the data folder {folder.path} cannot be locked: {error.strerror}",
            code=FOLDER_UNUSABLE,
        ) from error
    os.ftruncate(lock, 0)
    os.write(lock, f"pid {os.getpid()}, URL {url}\n".encode())
    return lock


def clear_leftovers(folder: DataFolder) -> None:
    """Remove sockets and pid files of a start that was killed. Only with the lock held."""
    for leftover in (*folder.sockets.glob("*.sock"), *folder.run.glob("*.pid")):
        leftover.unlink(missing_ok=True)


def remove_short_sockets(folder: DataFolder) -> None:
    """Leave nothing behind in /tmp."""
    if folder.sockets != folder.run:
        clear_leftovers(folder)
        folder.sockets.rmdir()


def secret_key(folder: DataFolder) -> str:
    """The installation's own key, made at the first start: sessions survive a restart."""
    path = folder.path / "secret-key"
    if not path.exists():
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(60))
    return path.read_text().strip()


def open_log(folder: DataFolder, name: str) -> int:
    """Log file to append to; one older file is kept once it passes LOG_BYTES_KEPT."""
    path = folder.log(name)
    if path.exists() and path.stat().st_size > LOG_BYTES_KEPT:
        path.replace(path.with_suffix(".log.1"))
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


def log_tail(folder: DataFolder, name: str, *, lines: int = 15) -> str:
    path = folder.log(name)
    text = path.read_text(errors="replace") if path.exists() else ""
    return "\n".join(f"  | {line}" for line in text.splitlines()[-lines:])
