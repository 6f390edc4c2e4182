"""Submit a proposal, ask for another run. Both only write rows: the dispatcher publishes what is queued."""

from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from patreview import engine
from patreview.accounts.models import User
from patreview.analyses import wake
from patreview.analyses.models import Run
from patreview.analyses.queries import is_stale
from patreview.analyses.runner import summarise
from patreview.catalogue.queries import platforms_in
from patreview.projects.errors import Conflict
from patreview.projects.models import Project, Role
from patreview.projects.principal import Principal
from patreview.projects.queries import require
from patreview.projects.text import checked_line
from patreview.submissions.models import Revision, Submission
from patreview.submissions.services import Proposal, ReadProposal, lock, read_proposal, record_act, store


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
    run = queue_run(revision, by=by, trigger="submitted", attempt=1)
    record_act(
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
    again = queue_run(revision, by=by, trigger="resubmitted", attempt=run.attempt + 1)
    record_act("run.requested", revision, by=by, attempt=again.attempt, reason=again.trigger)
    return again


@transaction.atomic
def request_run(revision: Revision, *, by: Principal, reason: str = "") -> Run:
    """Queue another attempt, for a reason that is kept with it.

    Raises Conflict while one is under way or when the submission is closed.
    """
    reason = checked_line(reason)
    submission = lock(revision.submission_id)
    require(by, submission.project, Role.SUBMITTER, scope="submit")
    if submission.state != Submission.State.OPEN or submission.current_id != revision.pk:
        raise Conflict("not_current", "Only the current revision of an open submission is run again.")
    last = revision.runs.order_by("-attempt").first()
    if last and not last.is_finished:
        raise Conflict("run_under_way", f"Run {last.attempt} is {last.state}; wait for it.")
    run = queue_run(revision, by=by, trigger="requested", attempt=last.attempt + 1 if last else 1, reason=reason)
    record_act("run.requested", revision, by=by, attempt=run.attempt, reason=reason)
    return run


@transaction.atomic
def cancel_run(run: Run, *, by: Principal) -> None:
    """Stop a run that is queued or under way: what a worker may still find out is thrown away.

    By the owner of the submission or a maintainer. Raises Conflict when it is finished.
    """
    submission = run.revision.submission
    needed = Role.SUBMITTER if by.user.pk == submission.owner_id else Role.MAINTAINER
    require(by, submission.project, needed, scope="submit")
    # The run is locked before its submission, as a worker does that completes it.
    unfinished = Run.objects.filter(pk=run.pk, state__in=(Run.State.QUEUED, Run.State.RUNNING))
    reason = f"Cancelled by {by.name}."
    if (
        unfinished.update(state=Run.State.CANCELLED, reason_code="cancelled", reason_text=reason, finished_at=Now())
        != 1
    ):
        raise Conflict("finished", "The run is finished already.")
    summarise(run, state=Run.State.CANCELLED)
    record_act("run.cancelled", run.revision, by=by, attempt=run.attempt)


def queue_run(revision: Revision, *, by: Principal | None, trigger: str, attempt: int, reason: str = "") -> Run:
    """One more row of the queue; `by` is None for the service itself. The caller holds the submission's lock."""
    asks = by.user if by is not None and isinstance(by.user, User) else None
    run = Run.objects.create(revision=revision, attempt=attempt, trigger=trigger, requested_by=asks, reason=reason)
    summary = {"run_state": run.state, "verdict": "", "reported_at": None, "is_stale": False}
    Submission.objects.filter(pk=revision.submission_id, current=revision).update(**summary)
    wake.announce()
    return run
