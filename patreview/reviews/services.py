"""Comment, vote, adopt, withdraw. Every rule of the review is enforced here, for both doors alike."""

from typing import Any

from django.db import transaction
from django.utils import timezone

from patreview.accounts.models import User
from patreview.analyses.models import Run
from patreview.analyses.queries import guest_of, last_run, report_of
from patreview.catalogue.queries import platforms_in
from patreview.catalogue.services import hold, know_layout, put_guest_in_service, put_layout_in_force
from patreview.journal.services import record
from patreview.projects.errors import Conflict, Forbidden
from patreview.projects.models import Role
from patreview.projects.principal import Principal
from patreview.projects.queries import require
from patreview.reviews.gate import SATISFIED, WITH_WARNINGS, approval_refusal, gate_of
from patreview.reviews.models import Comment, Vote
from patreview.submissions.models import Revision, Submission
from patreview.submissions.services import lock

BODY_MAX = 16 * 1024


@transaction.atomic
def comment(revision: Revision, body: str, *, by: Principal) -> Comment:
    """Any member who may submit may comment. Raises Conflict on an empty or over-long text."""
    require(by, revision.submission.project, Role.SUBMITTER, scope="review")
    assert isinstance(by.user, User)
    text = _checked(body)
    if not text:
        raise Conflict("empty", "Write something first.")
    made = Comment.objects.create(revision=revision, author=by.user, body=text)
    _record("comment.added", revision, by=by, comment=made.pk)
    return made


@transaction.atomic
def vote(revision: Revision, value: str, *, by: Principal, body: str = "", digest: str | None = None) -> Vote:
    """Cast or change a vote on the current revision of an open submission.

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
    if chosen.approves:
        _check_approval(revision, by=by)
    if digest not in {None, revision.digest}:
        raise Conflict("outdated", f"{revision} came after the revision you looked at; read it first.")
    fields = {
        "value": value,
        "body": _checked(body),
        "acknowledges": _assumptions(revision) if chosen.approves else [],
        "at": timezone.now(),
    }
    made, _ = Vote.objects.update_or_create(revision=revision, voter=by.user, defaults=fields)
    _record("vote.cast", revision, by=by, value=value, digest=revision.digest)
    return made


def _check_approval(revision: Revision, *, by: Principal) -> None:
    reason = approval_refusal(by, revision)
    if reason:
        raise Forbidden("self_approval", reason)
    run = last_run(revision)
    if run is None or run.state != Run.State.COMPLETED:
        raise Conflict("no_report", "There is no report to approve yet; wait for the run.")


def _assumptions(revision: Revision) -> list[str]:
    run = last_run(revision)
    report = report_of(run) if run else None
    return [f["fingerprint"] for f in report["findings"] if f["verdict"] == "conditional"] if report else []


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
    run = last_run(revision)
    gate = gate_of(revision, run, report_of(run) if run else None)
    if gate.adopt not in {SATISFIED, WITH_WARNINGS}:
        missing = [c.title.lower() for c in gate.conditions if c.status not in {SATISFIED, "not_applicable"}]
        raise Conflict("gate", f"The gate is not satisfied: {', '.join(missing)}.")
    _put_in_force(submission, revision, by=by)
    Submission.objects.filter(pk=submission.pk).update(state=Submission.State.ADOPTED)
    _record("submission.adopted", revision, by=by, digest=digest, gate=gate.adopt)
    return submission


def _put_in_force(submission: Submission, revision: Revision, *, by: Principal) -> None:
    project = submission.project
    if submission.kind == Submission.Kind.GUEST:
        put_guest_in_service(project, guest_of(revision), list(platforms_in(project)), by=by.name)
        return
    platform = next((one for one in platforms_in(project) if one.pk == submission.platform_id), None)
    if platform is None:
        raise Conflict("retired", "The platform is retired; this layout cannot come in force there.")
    origin = f"submission #{submission.pk} r{revision.number}"
    layout = know_layout(project, revision.content["layout"]["msr"], origin=origin)
    put_layout_in_force(platform, layout, by=by.name)


@transaction.atomic
def withdraw(submission: Submission, *, by: Principal) -> None:
    """By the owner or a maintainer, while it is open."""
    locked = lock(submission.pk)
    needed = Role.SUBMITTER if by.user.pk == locked.owner_id else Role.MAINTAINER
    require(by, locked.project, needed, scope="submit")
    if locked.state != Submission.State.OPEN:
        raise Conflict("not_open", f"It is {locked.state} already.")
    Submission.objects.filter(pk=locked.pk).update(state=Submission.State.WITHDRAWN)
    assert locked.current is not None
    _record("submission.withdrawn", locked.current, by=by)


def _open_and_current(revision: Revision, *, stale_ok: bool = False) -> Submission:
    """Lock the submission, so that a vote or an adoption and a new revision come one after the other."""
    submission = lock(revision.submission_id)
    if submission.state != Submission.State.OPEN:
        raise Conflict("not_open", f"#{submission.pk} is {submission.state}: it takes no more votes.")
    if submission.current_id != revision.pk and not stale_ok:
        raise Conflict("outdated", "This revision is superseded; vote on the current one.")
    return submission


def _checked(body: str) -> str:
    text = body.strip()
    if "\0" in text:
        raise Conflict("bad_character", "U+0000 cannot stand here.")
    if len(text) > BODY_MAX:
        raise Conflict("too_long", f"At most {BODY_MAX} characters.")
    return text


def _record(action: str, revision: Revision, *, by: Principal, **data: Any) -> None:
    subject = f"submission:{revision.submission_id}/r{revision.number}"
    record(revision.submission.project_id, action, subject, actor=by.name, token=by.token_key, **data)
