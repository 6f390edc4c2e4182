"""Bounded waits for a run to finish, without starving other requests."""

import threading
import time

from django.conf import settings

from patreview.analyses.queries import Run

STEP_S = (0.01, 0.02, 0.03, 0.05, 0.05, 0.1, 0.2)
_places = threading.BoundedSemaphore(max(1, settings.WEB_THREADS // 4))


def wait_for(run: Run, timeout_s: float) -> Run:
    """The run, finished if it does so in time. Answers at once when too many others wait here already."""
    if timeout_s <= 0 or run.is_finished or not _places.acquire(blocking=False):
        return run
    try:
        return _poll(run, time.monotonic() + timeout_s)
    finally:
        _places.release()


def _poll(run: Run, deadline: float) -> Run:
    steps = iter(STEP_S)
    step = STEP_S[0]
    while not run.is_finished and (left := deadline - time.monotonic()) > 0:
        step = next(steps, step)
        time.sleep(min(step, left))
        run.refresh_from_db()
    return run
