"""Waivers: propose, decide, revoke. Two people and a last day, always."""

from datetime import date, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from patreview.accounts.models import User
from patreview.analyses.models import Run
from patreview.analyses.queries import last_run, report_of
from patreview.journal.services import record
from patreview.journal.subjects import submission_subject
from patreview.projects.errors import Conflict, Forbidden, NotFound
from patreview.projects.models import Role
from patreview.projects.principal import Principal
from patreview.projects.queries import require
from patreview.projects.text import checked_body, checked_line, required
from patreview.reviews.models import Waiver
from patreview.reviews.queries import today
from patreview.submissions.models import Revision
from patreview.submissions.queries import contributors_of
from patreview.submissions.services import lock

DAYS_MAX = 180
NOTE_MAX = 500
#: Indeterminate ones need an input, not patience; what is fixed or mere advice needs nothing.
WAIVABLE = ("incompatible", "conditional", "degraded")


@transaction.atomic
def propose_waiver(
    revision: Revision,
    fingerprint: str,
    *,
    reason: str,
    expires_on: str,
    by: Principal,
    control: str = "",
    day: date | None = None,
) -> Waiver:
    """Ask that the team lives with a finding of the last report until a day.

    `expires_on` is YYYY-MM-DD, the last day in UTC, at most 180 days from now. It is taken as it was written or
    refused, never moved. Raises NotFound, Conflict (`not_waivable`, `expires_on`, `proposed`).
    """
    require(by, revision.submission.project, Role.SUBMITTER, scope="review")
    assert isinstance(by.user, User)
    finding = _finding(revision, fingerprint)
    last = _last_day(expires_on, day or today())
    why = required(checked_body(reason), "The reason")
    lock(revision.submission_id)
    project = revision.submission.project
    fields = {
        "submission": revision.submission,
        "rule": finding["rule"],
        "title": finding["title"][:300],
        "verdict": finding["verdict"],
        "guests": finding["guests"],
        "reason": why,
        "control": checked_body(control),
        "expires_on": last,
    }
    try:
        with transaction.atomic():  # the database knows, also of other submissions at this moment
            waiver = Waiver.objects.create(project=project, fingerprint=fingerprint, proposed_by=by.user, **fields)
    except IntegrityError as exc:
        raise Conflict("proposed", "A waiver of this finding is proposed already: decide on that one first.") from exc
    about = {"fingerprint": fingerprint, "rule": waiver.rule, "expires_on": last.isoformat()}
    _record("waiver.proposed", waiver, by=by, reason=why, **about)
    return waiver


def _finding(revision: Revision, fingerprint: str) -> dict[str, Any]:
    run = last_run(revision)
    report = report_of(run) if run and run.state == Run.State.COMPLETED else None
    findings = report["findings"] if report else []
    found = next((one for one in findings if one["fingerprint"] == fingerprint), None)
    if found is None:
        raise NotFound("not_in_report", f"The last report on {revision} has no such finding.")
    if found["verdict"] not in WAIVABLE or found["state"] == "fixed":
        raise Conflict("not_waivable", "Only an incompatible, conditional or degraded finding can be waived.")
    return dict(found)


def _last_day(text: str, day: date) -> date:
    try:
        last = date.fromisoformat(text.strip())
    except ValueError:
        last = None
    if last is None or last.isoformat() != text.strip():  # 2026-W14-2 is ISO 8601 too
        raise Conflict("expires_on", "Write the last day as YYYY-MM-DD.")
    if not day <= last <= day + timedelta(days=DAYS_MAX):
        latest = day + timedelta(days=DAYS_MAX)
        raise Conflict("expires_on", f"The last day lies between today and {latest}, {DAYS_MAX} days from now.")
    return last


@transaction.atomic
def decide_waiver(
    waiver: Waiver, *, accept: bool, by: Principal, note: str = "", day: date | None = None
) -> Waiver:  # fmt: skip
    """Accept or reject a proposed waiver: a maintainer who neither proposed it nor contributed to the submission.

    Raises Forbidden `self_approval`, Conflict.
    """
    require(by, waiver.project, Role.MAINTAINER, scope="review")
    assert isinstance(by.user, User)
    submission = lock(waiver.submission_id)
    held = Waiver.objects.select_for_update().get(pk=waiver.pk)
    assert submission.current is not None
    excluded = {held.proposed_by_id, *(contributors_of(submission.current) if accept else ())}
    if by.user.pk in excluded:
        raise Forbidden("self_approval", "You proposed it or contributed to the submission: a second person decides.")
    if held.state != Waiver.State.PROPOSED:
        raise Conflict("decided", f"{held.name} is {held.state} already.")
    if accept and held.expires_on < (day or today()):
        raise Conflict("expired", f"Its last day, {held.expires_on}, is over: propose it again.")
    held.state = Waiver.State.ACTIVE if accept else Waiver.State.REJECTED
    held.decided_by, held.decided_at = by.user, timezone.now()
    held.decision = checked_line(note, at_most=NOTE_MAX)
    held.save(update_fields=["state", "decided_by", "decided_at", "decision"])
    _record("waiver.accepted" if accept else "waiver.rejected", held, by=by, note=held.decision)
    return held


@transaction.atomic
def revoke_waiver(waiver: Waiver, reason: str, *, by: Principal) -> Waiver:
    """End a waiver, or take back a proposal: by who proposed it, or a maintainer."""
    needed = Role.SUBMITTER if by.user.pk == waiver.proposed_by_id else Role.MAINTAINER
    require(by, waiver.project, needed, scope="review")
    assert isinstance(by.user, User)
    held = Waiver.objects.select_for_update().get(pk=waiver.pk)
    if held.state not in {Waiver.State.PROPOSED, Waiver.State.ACTIVE}:
        raise Conflict("closed", f"{held.name} is {held.state} already.")
    held.state, held.revoked_by, held.revoked_at = Waiver.State.REVOKED, by.user, timezone.now()
    held.revocation = required(checked_line(reason, at_most=NOTE_MAX), "The reason")
    held.save(update_fields=["state", "revoked_by", "revoked_at", "revocation"])
    _record("waiver.revoked", held, by=by, reason=held.revocation)
    return held


def _record(action: str, waiver: Waiver, *, by: Principal, **data: Any) -> None:
    subject = submission_subject(waiver.submission_id)
    record(
        waiver.project_id, action, subject, actor=by.name, token=by.token_key, waiver=waiver.pk, **data
    )  # fmt: skip
