"""Wake the dispatcher when a commit queued a run: a hint that nobody waits for.

With PostgreSQL a NOTIFY, which the server delivers at commit; else a datagram to the dispatcher's
socket. When the hint is lost the dispatcher's own tick finds the row.
"""

import contextlib
import os
import select
import socket

from django.conf import settings
from django.db import connection, transaction

CHANNEL = "patreview_runs"


def announce() -> None:
    """Call inside the transaction that queues a run."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"NOTIFY {CHANNEL}")
    else:
        # A lambda, since Django 5.2 logs the __qualname__ of robust hooks that fail.
        transaction.on_commit(lambda: _send_datagram(), robust=True)


def _send_datagram() -> None:
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.setblocking(False)
        sender.sendto(b"1", settings.WAKE_SOCKET)


class DatagramListener:
    """The dispatcher's end of the socket. A dispatcher that starts takes the name over from a dead one."""

    def __init__(self) -> None:
        os.makedirs(os.path.dirname(settings.WAKE_SOCKET), mode=0o700, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(settings.WAKE_SOCKET)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(settings.WAKE_SOCKET)
        self.socket.setblocking(False)

    def wait(self, timeout_s: float) -> bool:
        """True as soon as something was announced, False after the time."""
        woken = bool(select.select([self.socket], [], [], timeout_s)[0])
        with contextlib.suppress(BlockingIOError):
            while self.socket.recv(16):
                pass
        return woken

    def close(self) -> None:
        self.socket.close()


class NotifyListener:
    """LISTEN on Django's own connection; after a reconnect it listens again."""

    def __init__(self) -> None:
        self.listening_on: object = None

    def wait(self, timeout_s: float) -> bool:
        """True as soon as something was announced, False after the time. Raises django.db.Error without a server."""
        connection.ensure_connection()
        if connection.connection is not self.listening_on:
            with connection.cursor() as cursor:
                cursor.execute(f"LISTEN {CHANNEL}")
            self.listening_on = connection.connection
        with connection.wrap_database_errors:
            return any(True for _ in connection.connection.notifies(timeout=timeout_s, stop_after=1))

    def close(self) -> None:
        connection.close()


def listener() -> DatagramListener | NotifyListener:
    """The one that fits the database."""
    return NotifyListener() if connection.vendor == "postgresql" else DatagramListener()
