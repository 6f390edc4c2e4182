"""Submit a proposal, ask for another run. Both only write rows: the dispatcher publishes what is queued."""

from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction

from patreview import engine
from patreview.accounts.models import User
from patreview.analyses import wake
from patreview.analyses.models import Run
from patreview.analyses.queries import is_stale
from patreview.catalogue.queries import platforms_in
from patreview.journal.services import record
from patreview.projects.errors import Conflict
from patreview.projects.models import Project, Role
from patreview.projects.principal import Principal
from patreview.projects.queries import require
from patreview.submissions.models import Revision, Submission
from patreview.submissions.services import Proposal, ReadProposal, lock, read_proposal, store


@dataclass(frozen=True)
class Submitted:
    """What a submission led to. `created` is False when the content was there already."""

    submission: Submission
    revision: Revision
    run: Run
    created: bool


def submit(project: Project, proposal: Proposal, *, by: Principal, submission: Submission | None = None) -> Submitted:
    """Store a proposal as a new revision with its first run, in one transaction.

    Raises engine.InvalidInput (nothing is stored), Forbidden, NotFound, Conflict.
    """
    require(by, project, Role.SUBMITTER, scope="submit")
    read = read_proposal(proposal, by=by.name)
    guest = read.content.get("guest")
    if not platforms_in(project).exists() and (guest is None or engine.platform_seen(guest) is None):
        message = f"{project.slug} has no platform to judge by; add one with manage.py create_platform."
        raise engine.refusal(engine.problem("platform", message))
    try:
        return _store_and_queue(project, read, by=by, submission=submission)
    except IntegrityError:
        # Another request stored the same external key between our look and our write: now it is there to be found.
        return _store_and_queue(project, read, by=by, submission=submission)


@transaction.atomic
def _store_and_queue(
    project: Project, read: ReadProposal, *, by: Principal, submission: Submission | None
) -> Submitted:
    revision, created = store(project, read, by=by, submission=submission)
    if not created:
        run = _last_or_anew(revision, by=by)
        return Submitted(revision.submission, revision, run, created=False)
    run = _queue(revision, by=by, trigger="submitted", attempt=1)
    _record(
        "submission.revised" if revision.number > 1 else "submission.created", revision, by=by, digest=revision.digest
    )
    return Submitted(revision.submission, revision, run, created=True)


def _last_or_anew(revision: Revision, *, by: Principal) -> Run:
    """The last run of content that was there already; another one when it has no report that still holds."""
    run = revision.runs.order_by("-attempt").first()
    assert run is not None, "every revision is stored together with its first run"
    holds = run.state == Run.State.COMPLETED and not is_stale(run)
    if revision.submission.state != Submission.State.OPEN or not run.is_finished or holds:
        return run
    again = _queue(revision, by=by, trigger="resubmitted", attempt=run.attempt + 1)
    _record("run.requested", revision, by=by, attempt=again.attempt, reason=again.trigger)
    return again


@transaction.atomic
def request_run(revision: Revision, *, by: Principal, reason: str = "") -> Run:
    """Queue another attempt. Raises Conflict while one is under way or when the submission is closed."""
    submission = lock(revision.submission_id)
    require(by, submission.project, Role.SUBMITTER, scope="submit")
    if submission.state != Submission.State.OPEN or submission.current_id != revision.pk:
        raise Conflict("not_current", "Only the current revision of an open submission is run again.")
    last = revision.runs.order_by("-attempt").first()
    if last and not last.is_finished:
        raise Conflict("run_under_way", f"Run {last.attempt} is {last.state}; wait for it.")
    run = _queue(revision, by=by, trigger="requested", attempt=last.attempt + 1 if last else 1, reason=reason[:200])
    _record("run.requested", revision, by=by, attempt=run.attempt, reason=reason[:200])
    return run


def _queue(revision: Revision, *, by: Principal, trigger: str, attempt: int, reason: str = "") -> Run:
    assert isinstance(by.user, User)
    run = Run.objects.create(revision=revision, attempt=attempt, trigger=trigger, requested_by=by.user, reason=reason)
    Submission.objects.filter(pk=revision.submission_id).update(run_state=run.state, verdict="")
    wake.announce()
    return run


def _record(action: str, revision: Revision, *, by: Principal, **data: Any) -> None:
    subject = f"submission:{revision.submission_id}/r{revision.number}"
    record(revision.submission.project_id, action, subject, actor=by.name, token=by.token_key, **data)
