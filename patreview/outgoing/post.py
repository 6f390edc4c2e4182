"""The post: makes and sends letters beside the dispatcher, in a thread of its own, until told to stop."""

import time
from collections.abc import Callable

import structlog
from django.db import Error, connection

from patreview.outgoing.server import Outage
from patreview.outgoing.services import make_letters, send_letters

log = structlog.get_logger("patreview.mail")

TICK_S = 2.0
LOOK_S = 0.2  # how soon it notices that it shall stop
FIRST_PAUSE_S = 30.0
LONGEST_PAUSE_S = 900.0


class Post:
    """One round after the other. While the mail server is out, letters are made and wait."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self.now = now
        self.pause_s = 0.0
        self.closed_until = 0.0

    def round(self, stopping: Callable[[], bool] = lambda: False) -> bool:
        """Make and send some letters; True when there is more to do at once."""
        more = make_letters()
        if self.now() < self.closed_until:
            return more
        try:
            sent = send_letters(stopping)
        except Outage as exc:
            self.pause_s = min(self.pause_s * 2, LONGEST_PAUSE_S) or FIRST_PAUSE_S
            self.closed_until = self.now() + self.pause_s
            log.warning("mail server unavailable, letters wait", error=str(exc), pause_s=self.pause_s)
            return more
        if sent and self.pause_s:
            log.info("mail server is back")
            self.pause_s = 0.0
        return more or sent


def deliver_forever(stopping: Callable[[], bool]) -> None:
    """Go round until told to stop. Faults are logged and waited out, never fatal."""
    post = Post()
    while not stopping():
        more = False
        try:
            more = post.round(stopping)
        except Error as exc:
            log.warning("database unavailable", error=type(exc).__name__)
            connection.close()
        except Exception:  # a defect of ours or of a mail library: this thread has nobody to start it again
            log.exception("mail stopped short")
        if not more:
            _rest(stopping)


def _rest(stopping: Callable[[], bool]) -> None:
    woken_at = time.monotonic() + TICK_S
    while time.monotonic() < woken_at and not stopping():
        time.sleep(LOOK_S)
