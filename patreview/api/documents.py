"""How resources look in answers: flat, snake_case, RFC 3339 in UTC."""

from datetime import datetime
from typing import Any

from patreview import engine
from patreview.analyses.listing import SubmissionRow
from patreview.analyses.queries import Finding, Run, content_of
from patreview.catalogue.queries import Guest, Platform
from patreview.projects.queries import Invitation, Membership, Project, Token
from patreview.reviews.gate import Gate
from patreview.submissions.queries import Revision, Submission
from patreview.submissions.services import ReadProposal

ROOT = "/api/v1"


def moment(at: datetime | None) -> str | None:
    """RFC 3339, in UTC."""
    return at.isoformat().replace("+00:00", "Z") if at else None


def project_document(project: Project) -> dict[str, Any]:
    return {
        "slug": project.slug,
        "title": project.title,
        "summary": project.summary,
        "visibility": project.visibility,
        "required_approvals": project.required_approvals,
        "url": f"{ROOT}/projects/{project.slug}",
    }


def member_document(membership: Membership) -> dict[str, Any]:
    return {"name": membership.user.username, "role": membership.role}


def invitation_document(invitation: Invitation) -> dict[str, Any]:
    return {
        "id": invitation.pk,
        "role": invitation.role,
        "email": invitation.email or None,
        "note": invitation.note,
        "invited_by": invitation.invited_by.username,
        "created_at": moment(invitation.created_at),
        "expires_at": moment(invitation.expires_at),
    }


def token_document(token: Token) -> dict[str, Any]:
    return {
        "key": token.key,
        "name": token.name,
        "owner": token.owner.username,
        "scopes": token.scopes,
        "created_at": moment(token.created_at),
        "expires_at": moment(token.expires_at),
        "last_used_at": moment(token.last_used_at),
    }


def platform_row(platform: Platform) -> dict[str, Any]:
    """A platform within its project's answer."""
    return {
        "name": platform.name,
        "hypervisor": platform.title,
        "cpu_vendor": platform.cpu_vendor,
        "layout": platform.layout.msr,
        "details": platform.details,
    }


def guest_row(guest: Guest) -> dict[str, Any]:
    """A guest within its project's answer."""
    platforms = [platform.name for platform in guest.platforms.all()]
    return {"id": guest.pk, "name": guest.name, "summary": guest.summary, "platforms": platforms}


def submission_row(row: SubmissionRow, project: str) -> dict[str, Any]:
    """submission_document() of a light row."""
    return {
        "id": row.pk,
        "project": project,
        "kind": row.kind,
        "title": row.title,
        "external_key": row.external_key,
        "platform": row.platform,
        "layout": row.proposed_msr or None,
        "owner": row.owner,
        "state": row.state,
        "revision": row.revision,
        "run_state": row.run_state,
        "verdict": row.verdict or None,
        "created_at": moment(row.created_at),
        "url": f"{ROOT}/submissions/{row.pk}",
    }


def submission_document(submission: Submission) -> dict[str, Any]:
    """A submission in short; `verdict` is null while the current revision has none."""
    return {
        "id": submission.pk,
        "project": submission.project.slug,
        "kind": submission.kind,
        "title": submission.title,
        "external_key": submission.external_key,
        "platform": submission.platform.name if submission.platform else None,
        "layout": submission.proposed_msr or None,
        "owner": submission.owner.username,
        "state": submission.state,
        "revision": submission.current.number if submission.current else None,
        "run_state": submission.run_state,
        "verdict": submission.verdict or None,
        "created_at": moment(submission.created_at),
        "url": f"{ROOT}/submissions/{submission.pk}",
    }


def revision_document(revision: Revision) -> dict[str, Any]:
    return {
        "number": revision.number,
        "digest": revision.digest,
        "note": revision.note,
        "created_by": revision.created_by.username,
        "created_at": moment(revision.created_at),
        "inputs": inputs_document(content_of(revision)),
    }


def inputs_document(content: dict[str, Any]) -> dict[str, Any]:
    """What a revision states, each fact with its origin, and what was understood of each file."""
    if "layout" in content:
        return {"layout": content["layout"]}
    account = engine.account(content["guest"])
    return {name: account[name] for name in ("guest", "facts", "files", "missing")}


def preview_document(read: ReadProposal) -> dict[str, Any]:
    """What a proposal would be taken for."""
    files = [{"role": one.role, "name": one.name, "size": len(one.body)} for one in read.proposal.files]
    return {"kind": read.proposal.kind, "digest": read.digest, "sent": files, "inputs": inputs_document(read.content)}


def run_document(run: Run) -> dict[str, Any]:
    return {
        "id": run.pk,
        "submission": run.revision.submission_id,
        "revision": run.revision.number,
        "attempt": run.attempt,
        "trigger": run.trigger,
        "state": run.state,
        "verdict": run.verdict or None,
        "reason": run.reason_text or None,
        "engine_version": run.engine_version or None,
        "report_digest": run.report_digest or None,
        "stale_reasons": run.stale_reasons,
        "queued_at": moment(run.queued_at),
        "started_at": moment(run.started_at),
        "finished_at": moment(run.finished_at),
        "url": f"{ROOT}/runs/{run.pk}",
        "report_url": f"{ROOT}/runs/{run.pk}/report" if run.state == run.State.COMPLETED else None,
    }


def finding_document(finding: Finding, waived: dict[str, Any] | None = None) -> dict[str, Any]:
    """`waived` names the waiver that covers it today; the verdict stays what it is."""
    return {
        "fingerprint": finding.fingerprint,
        "rule": finding.rule,
        "class": finding.class_key or None,
        "guests": finding.guests,
        "verdict": finding.verdict,
        "severity": finding.severity,
        "state": finding.state or None,
        "title": finding.title,
        "waived": waived,
    }


def gate_document(gate: Gate) -> dict[str, Any]:
    names = ("key", "title", "status", "detail", "scope")
    conditions = [{name: getattr(condition, name) for name in names} for condition in gate.conditions]
    return {"check": gate.check, "adopt": gate.adopt, "conditions": conditions}
