"""Execute one run: claim, compute, complete. It may be called twice for a run and completes it once.

Claim and completion are conditional updates; the fence ties a completion to its own claim. A fault of
the database is not caught here: the claim's lease ends and the dispatcher gives the run out again.
"""

import os
import socket
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog
from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.db import Error as DatabaseFault
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from patreview import engine
from patreview.analyses.images import read_images
from patreview.analyses.models import Finding, Report, Run
from patreview.analyses.scenario import proposal_digest, scenario_of, verdict_digest
from patreview.catalogue.queries import catalogue_version
from patreview.journal.services import record
from patreview.journal.subjects import submission_subject
from patreview.submissions.models import Submission

log = structlog.get_logger("patreview.runs")


@dataclass(frozen=True)
class Claim:
    """The right to complete a run, until the lease ends."""

    run: Run
    fence: int


def execute(run_id: int) -> None:
    """Compute a run if it is queued; do nothing for a hint that is late or repeated."""
    claim = claim_run(run_id)
    if claim is None:
        return
    try:
        outcome = compute(claim.run)
    except SoftTimeLimitExceeded:
        finish(claim, Run.State.TIMED_OUT, "time_limit", f"The engine took longer than {settings.RUN_SOFT_LIMIT_S} s.")
    except MemoryError:
        give_back(claim)
    except engine.InvalidInput as exc:
        finish(claim, Run.State.FAILED, "cannot_judge", f"What is in service cannot be judged: {exc}"[:500])
    except DatabaseFault:
        raise
    except Exception as exc:
        # The border to the engine: whatever it raises is a defect that would only be raised again.
        log.exception("engine fault", run=run_id)
        text = f"The engine stopped with {type(exc).__name__}; this is a defect of patreview."
        finish(claim, Run.State.FAILED, "engine_error", text)
    else:
        complete(claim, outcome)


@dataclass(frozen=True)
class Outcome:
    """What a computed run stores: columns of the run, the report's bytes, its findings as rows."""

    columns: dict[str, Any]
    body: str
    scenario: str
    findings: list[Finding]


def compute(run: Run) -> Outcome:
    """Ask the engine, and make everything ready to be stored."""
    read_images(run.revision)
    version = catalogue_version(run.revision.submission.project_id)  # before what is in service is read
    scenario = scenario_of(run.revision)
    report = engine.analyse(scenario)
    body = engine.canonical(report)
    columns = {
        "catalogue_version": version,
        "proposal_digest": proposal_digest(run.revision),
        "verdict_digest": verdict_digest(report),
        "verdict": report["verdict"],
        "engine_version": report["engine"]["version"],
        "rules_digest": report["engine"]["rules_digest"],
        "report_digest": engine.digest("report", body),
        "input_digest": engine.digest("scenario", scenario),
    }
    return Outcome(columns, body.decode(), engine.canonical(scenario).decode(), finding_rows(run, report))


def claim_run(run_id: int) -> Claim | None:
    """Take a queued run; None if it is not queued, not due, or unknown."""
    with transaction.atomic():
        queued = Run.objects.filter(pk=run_id, state=Run.State.QUEUED, not_before__lte=Now())
        taken = queued.update(
            state=Run.State.RUNNING,
            claims=F("claims") + 1,
            fence=F("fence") + 1,
            started_at=Now(),
            lease_until=Now() + timedelta(seconds=settings.RUN_LEASE_S),
            claimed_by=f"{socket.gethostname()}:{os.getpid()}"[:100],
        )
        if taken != 1:
            return None
        run = Run.objects.select_related("revision__submission__project").get(pk=run_id)
        summarise(run, state=Run.State.RUNNING)
    return Claim(run=run, fence=run.fence)


def _held(claim: Claim) -> Any:
    return Run.objects.filter(pk=claim.run.pk, state=Run.State.RUNNING, fence=claim.fence)


def complete(claim: Claim, outcome: Outcome) -> bool:
    """Store the report of a claimed run; False if its lease was lost to a later claim."""
    verdict, digest = outcome.columns["verdict"], outcome.columns["report_digest"]
    with transaction.atomic():
        held = _held(claim).update(state=Run.State.COMPLETED, finished_at=Now(), **outcome.columns)
        if held != 1:
            return False
        Report.objects.create(run=claim.run, digest=digest, body=outcome.body, scenario=outcome.scenario)
        Finding.objects.bulk_create(outcome.findings)
        summarise(claim.run, state=Run.State.COMPLETED, verdict=verdict)
        _record(claim.run, "run.completed", verdict=verdict, report=digest)
    return True


def finish(claim: Claim, state: str, code: str, text: str) -> bool:
    """End a claimed run without a report; False if its lease was lost to a later claim."""
    with transaction.atomic():
        if _held(claim).update(state=state, reason_code=code, reason_text=text, finished_at=Now()) != 1:
            return False
        summarise(claim.run, state=state)
        _record(claim.run, f"run.{state}", reason=code)
    return True


def give_back(claim: Claim) -> None:
    """Out of memory: another process may have more. The claim stays counted, so this ends after three."""
    if claim.run.claims >= settings.RUN_CLAIMS_MAX:
        finish(claim, Run.State.FAILED, "resource", "The engine ran out of memory, three times.")
        return
    queue_again(claim)


def queue_again(claim: Claim, *, delay_s: float = 0) -> bool:
    """Put a claimed run back in the queue; False if it was finished or claimed again meanwhile."""
    due = Now() + timedelta(seconds=delay_s)
    with transaction.atomic():
        if _held(claim).update(state=Run.State.QUEUED, sent_at=None, lease_until=None, not_before=due) != 1:
            return False
        summarise(claim.run, state=Run.State.QUEUED)
    return True


def finding_rows(run: Run, report: dict[str, Any]) -> list[Finding]:
    """The findings of a report as the rows that are stored beside it."""
    return [
        Finding(
            run=run,
            position=position,
            fingerprint=finding["fingerprint"],
            rule=finding["rule"],
            class_key=finding["class"] or "",
            verdict=finding["verdict"],
            severity=finding["severity"],
            state=finding["state"] or "",
            title=finding["title"][:300],
            guests=finding["guests"],
        )
        for position, finding in enumerate(report["findings"])
    ]


def summarise(run: Run, *, state: str, verdict: str = "") -> None:
    """Keep the submission's summary for lists, unless a later revision took its place."""
    ended = None if state in (Run.State.QUEUED, Run.State.RUNNING) else timezone.now()
    summary = {"run_state": state, "verdict": verdict, "reported_at": ended}
    stands = {"standing_run": run.pk} if state == Run.State.COMPLETED else {}
    Submission.objects.filter(current=run.revision_id).update(**summary, **stands)


def _record(run: Run, action: str, **data: Any) -> None:
    record(run.revision.submission.project_id, action, subject_of(run), actor="engine", **data)


def subject_of(run: Run) -> str:
    """How the journal names a run."""
    return submission_subject(run.revision.submission_id, run.revision.number, run.attempt)
