"""Vote, adopt, withdraw. Every rule of the review is enforced here, for both doors alike."""

from typing import Any

from django.db import transaction
from django.utils import timezone

from patreview.accounts.models import User
from patreview.analyses.models import Run
from patreview.analyses.queries import guest_of, last_run, report_of
from patreview.catalogue.queries import platforms_in
from patreview.catalogue.services import hold, know_layout, put_guest_in_service, put_layout_in_force
from patreview.projects.errors import Conflict, Forbidden
from patreview.projects.models import Role
from patreview.projects.principal import Principal
from patreview.projects.queries import require
from patreview.projects.text import checked_body, checked_line, required
from patreview.reviews.discussion import publish_drafts
from patreview.reviews.gate import NOT_APPLICABLE, READY, SATISFIED, Gate, approval_refusal, conclude, review_of
from patreview.reviews.models import Vote
from patreview.submissions.models import Revision, Submission
from patreview.submissions.services import TITLE_MAX, lock, record_act

DISMISSAL_MAX = 500


@transaction.atomic
def vote(revision: Revision, value: str, *, by: Principal, body: str = "", digest: str | None = None) -> Vote:
    """Cast or change a vote on the current revision of an open submission, and publish the voter's drafts on it.

    `digest` is the revision that the person looked at, where the caller did not choose the revision by it.

    An approval acknowledges the assumptions of the conditional findings in the last report.
    Raises Forbidden (`self_approval` for contributors), Conflict.
    """
    require(by, revision.submission.project, Role.REVIEWER, scope="review")
    _open_and_current(revision)
    assert isinstance(by.user, User)
    if value not in Vote.Value.values:
        raise Conflict("unknown_vote", f"Vote one of {', '.join(Vote.Value.values)}.")
    chosen = Vote.Value(value)
    run = last_run(revision)
    report = report_of(run) if run else None
    if chosen.approves:
        _check_approval(revision, run, report, by=by)
    if digest not in {None, revision.digest}:
        raise Conflict("outdated", f"{revision} came after the revision you looked at; read it first.")
    fields = _read_by_the_voter(run) | {
        "value": value,
        "body": checked_body(body),
        "acknowledges": _assumptions(report) if chosen.approves else [],
        "at": timezone.now(),
        "withdrawn_at": None,
        "dismissed_at": None,
        "dismissed_by": None,
        "dismissal": "",
    }
    made, _ = Vote.objects.update_or_create(revision=revision, voter=by.user, defaults=fields)
    published = publish_drafts(revision.submission, by=by)
    record_act("vote.cast", revision, by=by, value=value, digest=revision.digest, vote=made.pk, comments=published)
    return made


def _check_approval(revision: Revision, run: Run | None, report: dict[str, Any] | None, *, by: Principal) -> None:
    reason = approval_refusal(by, review_of(revision, run, report))
    if reason:
        raise Forbidden("self_approval", reason)
    if report is None:
        raise Conflict("no_report", "There is no report to approve yet; wait for the run.")


def _read_by_the_voter(run: Run | None) -> dict[str, Any]:
    """What a later run is compared with, when it is asked whether the vote still means it."""
    if run is None or run.state != Run.State.COMPLETED:
        return {"proposal_digest": "", "verdict_digest": ""}
    return {"proposal_digest": run.proposal_digest, "verdict_digest": run.verdict_digest}


def _assumptions(report: dict[str, Any] | None) -> list[str]:
    return [f["fingerprint"] for f in report["findings"] if f["verdict"] == "conditional"] if report else []


@transaction.atomic
def withdraw_vote(cast: Vote, *, by: Principal) -> None:
    """Take one's own vote back, whichever revision it was on. Raises Conflict on a closed submission."""
    _check_role(cast.revision, Role.VIEWER, by=by)
    _open(cast.revision)
    if cast.voter_id != by.user.pk:
        raise Forbidden("not_yours", "Only its author withdraws a vote.")
    if Vote.objects.filter(pk=cast.pk, withdrawn_at=None).update(withdrawn_at=timezone.now()) != 1:
        raise Conflict("withdrawn", "It is withdrawn already.")
    record_act("vote.withdrawn", cast.revision, by=by, vote=cast.pk, value=cast.value)


@transaction.atomic
def dismiss_vote(cast: Vote, reason: str, *, by: Principal) -> None:
    """Set somebody's standing objection aside, for a reason: by a maintainer who is no contributor.

    Raises Forbidden (`self_approval` for contributors), Conflict.
    """
    _check_role(cast.revision, Role.MAINTAINER, by=by)
    submission = _open(cast.revision)
    current = submission.current
    if current is None or by.user.pk in review_of(current, None, None).contributors:
        raise Forbidden("self_approval", "You contributed to this submission, so somebody else must dismiss a vote.")
    if cast.voter_id == by.user.pk:
        raise Conflict("own_vote", "This is your own vote: withdraw it.")
    later = Vote.objects.filter(
        revision__submission=submission, voter=cast.voter_id, revision__number__gt=cast.revision.number
    )
    if not cast.choice.opposes or cast.withdrawn_at or later.exists():
        raise Conflict("no_objection", "Only a standing block or request for changes is dismissed.")
    why = required(checked_line(reason, at_most=DISMISSAL_MAX), "The reason")
    fields = {"dismissed_at": timezone.now(), "dismissed_by": by.user, "dismissal": why}
    if Vote.objects.filter(pk=cast.pk, dismissed_at=None, withdrawn_at=None, value=cast.value).update(**fields) != 1:
        raise Conflict("dismissed", "It changed meanwhile: look at it again.")
    voter = cast.voter.username
    record_act("vote.dismissed", cast.revision, by=by, vote=cast.pk, value=cast.value, voter=voter, reason=why)


@transaction.atomic
def adopt(revision: Revision, *, by: Principal, digest: str) -> Submission:
    """Make an approved revision the truth: its layout comes in force, or its guest goes in service.

    `digest` is the revision that the person looked at: Conflict `stale` when it is not the current one.
    """
    require(by, revision.submission.project, Role.MAINTAINER, scope="review")
    submission = _open_and_current(revision, stale_ok=True)
    if submission.current_id != revision.pk or revision.digest != digest:
        raise Conflict("stale", "There is a later revision than the one you looked at; read it first.")
    hold(submission.project_id)  # what the gate judges by must not change before it is changed here
    gate = _gate_now(revision)
    if gate.adopt not in READY:
        missing = [c.title.lower() for c in gate.conditions if c.status not in {SATISFIED, NOT_APPLICABLE}]
        raise Conflict("gate", f"The gate is not satisfied: {', '.join(missing)}.")
    superseded = _supersede(submission)
    _put_in_force(submission, revision, by=by)
    Submission.objects.filter(pk=submission.pk).update(state=Submission.State.ADOPTED, is_stale=False)
    record_act("submission.adopted", revision, by=by, digest=digest, gate=gate.adopt, superseded=superseded)
    return submission


def _gate_now(revision: Revision) -> Gate:
    """The gate by what is in service at this moment, read after the lock."""
    now = Revision.objects.select_related("submission__project").get(pk=revision.pk)
    run = last_run(now)
    return conclude(review_of(now, run, report_of(run) if run else None))


def _supersede(submission: Submission) -> list[int]:
    """What was adopted for the same platform or guest before is the truth no more."""
    earlier = Submission.objects.filter(
        project=submission.project_id,
        kind=submission.kind,
        subject=submission.subject,
        state=Submission.State.ADOPTED,
    )
    numbers = list(earlier.order_by("pk").values_list("pk", flat=True))
    Submission.objects.filter(pk__in=numbers).update(state=Submission.State.SUPERSEDED)
    return numbers


def _put_in_force(submission: Submission, revision: Revision, *, by: Principal) -> None:
    project = submission.project
    origin = f"submission #{submission.pk} r{revision.number}"
    if submission.kind == Submission.Kind.GUEST:
        put_guest_in_service(project, guest_of(revision), list(platforms_in(project)), by=by.name, origin=origin)
        return
    platform = next((one for one in platforms_in(project) if one.pk == submission.platform_id), None)
    if platform is None:
        raise Conflict("retired", "The platform is retired; this layout cannot come in force there.")
    layout = know_layout(project, revision.content["layout"]["msr"], origin=origin)
    put_layout_in_force(platform, layout, by=by.name)


@transaction.atomic
def withdraw(submission: Submission, *, by: Principal, reason: str = "") -> None:
    """By the owner or a maintainer, while it is open."""
    locked = _owned(submission, by=by)
    why = checked_line(reason)
    if locked.state != Submission.State.OPEN:
        raise Conflict("not_open", f"It is {locked.state} already.")
    Submission.objects.filter(pk=locked.pk).update(state=Submission.State.WITHDRAWN)
    assert locked.current is not None
    record_act("submission.withdrawn", locked.current, by=by, reason=why)


@transaction.atomic
def reopen(submission: Submission, *, by: Principal) -> None:
    """Open a withdrawn submission again. Its report may be stale: the gate says so."""
    locked = _owned(submission, by=by)
    if locked.state != Submission.State.WITHDRAWN:
        raise Conflict("not_withdrawn", f"It is {locked.state}; only a withdrawn submission is opened again.")
    Submission.objects.filter(pk=locked.pk).update(state=Submission.State.OPEN)
    assert locked.current is not None
    record_act("submission.reopened", locked.current, by=by)


@transaction.atomic
def retitle(submission: Submission, title: str, *, by: Principal) -> None:
    """Give an open submission another title."""
    locked = _owned(submission, by=by)
    chosen = required(checked_line(title, at_most=TITLE_MAX), "The title")
    if locked.state != Submission.State.OPEN:
        raise Conflict("not_open", f"It is {locked.state}: it keeps its title.")
    Submission.objects.filter(pk=locked.pk).update(title=chosen)
    assert locked.current is not None
    record_act("submission.retitled", locked.current, by=by, before=locked.title, after=chosen)


def _owned(submission: Submission, *, by: Principal) -> Submission:
    """The locked submission, for its owner or a maintainer."""
    locked = lock(submission.pk)
    needed = Role.SUBMITTER if by.user.pk == locked.owner_id else Role.MAINTAINER
    require(by, locked.project, needed, scope="submit")
    return locked


def _check_role(revision: Revision, needed: Role, *, by: Principal) -> None:
    require(by, revision.submission.project, needed, scope="review")


def _open(revision: Revision) -> Submission:
    submission = lock(revision.submission_id)
    if submission.state != Submission.State.OPEN:
        raise Conflict("not_open", f"#{submission.pk} is {submission.state}: it takes no more votes.")
    return submission


def _open_and_current(revision: Revision, *, stale_ok: bool = False) -> Submission:
    """Lock the submission, so that a vote or an adoption and a new revision come one after the other."""
    submission = _open(revision)
    if submission.current_id != revision.pk and not stale_ok:
        raise Conflict("outdated", "This revision is superseded; vote on the current one.")
    return submission
