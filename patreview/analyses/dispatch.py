"""Give queued runs out: the only publisher of messages, and the only judge of lost claims.

Any number of dispatchers may run; what they do twice is harmless. The loop's steps:
expired leases go back to the queue, hints that seem lost are sent again, and the window is filled.
"""

import random
import time
from collections.abc import Callable
from contextlib import closing, nullcontext
from datetime import timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import Error, connection, transaction
from django.db.models import Q
from django.db.models.functions import Now
from kombu.exceptions import OperationalError

from patreview.analyses.models import Run
from patreview.analyses.runner import Claim, finish, queue_again
from patreview.analyses.staleness import sweep
from patreview.analyses.tasks import execute_run
from patreview.analyses.wake import listener
from patreview.journal.queries import heads
from patreview.projects.models import Project
from patreview.submissions.drafts import forget_drafts

log = structlog.get_logger("patreview.dispatch")

TICK_S = 1.0  # when nothing is announced
BUSY_TICK_S = 0.05  # while runs wait for a place in the window
BACK_OFF_MAX_S = 60
SWEEP_S = 3600
PATIENCE = 6  # times the resend interval, for a hint in a queue that others still come out of


def run_forever(stopping: Callable[[], bool]) -> None:
    """Tick until told to stop. Faults of database and broker are waited out, never fatal."""
    swept = 0.0
    with closing(listener()) as wakes:
        while not stopping():
            try:
                if time.monotonic() - swept > SWEEP_S:
                    forget_drafts()
                    log_heads()
                    swept = time.monotonic()
                waiting = tick()
                wakes.wait(BUSY_TICK_S if waiting else TICK_S)
            except Error as exc:
                log.warning("database unavailable", error=type(exc).__name__)
                connection.close()
                time.sleep(TICK_S)


def log_heads() -> None:
    """Write every journal's head to the log: logs that are sent elsewhere keep it from whoever rewrites a chain."""
    slugs = dict(Project.objects.values_list("pk", "slug"))
    for head in heads():
        log.info("journal head", project=slugs.get(head.project_id, str(head.project_id)), audit_head=str(head))


def tick() -> bool:
    """One round. True when runs are still waiting for a place in the window."""
    reap()
    forget_lost_hints()
    more_to_look_at = sweep()
    return fill_window() or more_to_look_at


def reap() -> int:
    """Queue runs whose lease has ended again, with back-off; fail those that were claimed three times."""
    expired = Run.objects.filter(state=Run.State.RUNNING, lease_until__lt=Now())
    reaped = 0
    for run in expired.select_related("revision__submission__project"):
        claim = Claim(run, run.fence)
        if run.claims >= settings.RUN_CLAIMS_MAX:
            done = finish(claim, Run.State.FAILED, "worker_lost", f"Its worker was lost {run.claims} times.")
        else:
            delay_s = min(2**run.claims, BACK_OFF_MAX_S) * random.uniform(0.8, 1.2)  # noqa: S311  jitter
            done = queue_again(claim, delay_s=delay_s)
        if done:
            log.warning("lease ended", run=run.pk, claims=run.claims)
        reaped += done
    return reaped


def forget_lost_hints() -> int:
    """Hints that were sent a while ago, while no worker claims anything, were lost: they may be sent again.

    While claims go on, the queue is alive and a hint's turn will come; but not for ever, since a
    broker may lose some of its messages and keep others.
    """
    resend_s = settings.DISPATCH_RESEND_S
    since = Now() - timedelta(seconds=resend_s)
    if Run.objects.filter(started_at__gt=since).exists():
        since = Now() - timedelta(seconds=resend_s * PATIENCE)
    return Run.objects.filter(state=Run.State.QUEUED, sent_at__lt=since).update(sent_at=None)


def fill_window() -> bool:
    """Publish the oldest due runs, at most as many as the window has room for.

    True when the window is full now and more may be waiting: look again soon.
    """
    queued = Run.objects.filter(state=Run.State.QUEUED)
    free: int = settings.DISPATCH_WINDOW - queued.exclude(sent_at=None).count()
    due = queued.filter(Q(sent_at=None), not_before__lte=Now()).order_by("not_before", "pk")
    if free <= 0:
        return bool(due.exists())
    with _row_locks():
        ids = list(_unlocked(due).values_list("pk", flat=True)[:free])
        sent = _publish(ids)
        Run.objects.filter(pk__in=sent, state=Run.State.QUEUED).update(sent_at=Now())
    return len(sent) == free


def _row_locks() -> Any:
    """With row locks several dispatchers share the work. SQLite has none, and its one write lock
    must not be held while publishing."""
    return transaction.atomic() if connection.features.has_select_for_update_skip_locked else nullcontext()


def _unlocked(runs: Any) -> Any:
    has_locks = connection.features.has_select_for_update_skip_locked
    return runs.select_for_update(skip_locked=True) if has_locks else runs


_broker_is_down = False


def _publish(ids: list[int]) -> list[int]:
    """Send hints; the ids that the broker took. A dead broker is logged once and tried again next round."""
    global _broker_is_down
    sent: list[int] = []
    for run_id in ids:
        try:
            execute_run.apply_async(args=(run_id,), retry=False)
        except OperationalError as exc:
            if not _broker_is_down:
                log.warning("broker unavailable, runs wait", error=str(exc))
            _broker_is_down = True
            return sent
        sent.append(run_id)
    if sent and _broker_is_down:
        log.info("broker is back")
        _broker_is_down = False
    return sent
