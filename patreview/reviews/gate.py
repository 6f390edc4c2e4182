"""The gate: computed from verdict, coverage and votes whenever somebody looks, never stored.

Two conclusions. *check* is what a pipeline waits for, *adopt* adds what people must say.
Anything that cannot be computed blocks.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from patreview.analyses.models import Run
from patreview.analyses.queries import is_stale
from patreview.projects.principal import Principal
from patreview.projects.queries import Role, may
from patreview.reviews.models import Vote
from patreview.reviews.queries import reviewers_in, standing_votes
from patreview.submissions.models import Revision, Submission
from patreview.submissions.queries import contributors_of

SATISFIED, UNSATISFIED, PENDING, NOT_APPLICABLE = "satisfied", "unsatisfied", "pending", "not_applicable"
WITH_WARNINGS, BLOCKED = "satisfied_with_warnings", "blocked"


@dataclass(frozen=True, kw_only=True)
class Condition:
    """One line of the checklist: whether it holds, and what would make it hold."""

    key: str
    title: str
    status: str
    detail: str
    scope: str = "check"


@dataclass(frozen=True, kw_only=True)
class Gate:
    """The two conclusions and the conditions that they follow from."""

    check: str
    adopt: str
    conditions: tuple[Condition, ...]


def gate_of(revision: Revision, run: Run | None, report: dict[str, Any] | None) -> Gate:
    """The gate of a revision, given its last run and that run's report."""
    votes = standing_votes(revision)
    contributors = contributors_of(revision)
    reviewers = reviewers_in(revision.submission.project_id)
    counting = [v for v in votes if v.voter_id in reviewers and v.voter_id not in contributors]
    approvals = [v for v in counting if Vote.Value(v.value).approves]
    accepted = {fingerprint for vote in approvals for fingerprint in vote.acknowledges}
    shown = report if run and run.state == Run.State.COMPLETED else None
    checks = (_run_condition(run), *_report_conditions(run, shown, accepted))
    people = (_approvals(approvals, revision.submission.project.required_approvals), _objections(votes))
    degraded = report is not None and report["verdict"] == "degraded"
    check = _conclude(checks, warnings=degraded)
    return Gate(check=check, adopt=_conclude(checks + people, warnings=degraded), conditions=checks + people)


def _conclude(conditions: Iterable[Condition], *, warnings: bool) -> str:
    states = {condition.status for condition in conditions}
    if states <= {SATISFIED, NOT_APPLICABLE}:
        return WITH_WARNINGS if warnings else SATISFIED
    return PENDING if states <= {SATISFIED, NOT_APPLICABLE, PENDING} else BLOCKED


def _run_condition(run: Run | None) -> Condition:
    title = "Run completed"
    if run is None or not run.is_finished:
        return Condition(key="run_completed", title=title, status=PENDING, detail="The analysis is under way.")
    if run.state == Run.State.COMPLETED:
        return Condition(key="run_completed", title=title, status=SATISFIED, detail=f"Run {run.attempt}.")
    detail = f"Run {run.attempt} {run.get_state_display().lower()}: {run.reason_text} Run it again."
    return Condition(key="run_completed", title=title, status=UNSATISFIED, detail=detail)


def _up_to_date(run: Run) -> tuple[str, str]:
    """Whether the report still fits what is in service; a closed submission keeps the one it was decided by."""
    if run.revision.submission.state != Submission.State.OPEN:
        return NOT_APPLICABLE, "The submission is closed."
    if is_stale(run):
        return UNSATISFIED, f"Run {run.attempt} saw other platforms, guests or rules than there are now. Run it again."
    return SATISFIED, "The platforms and guests are as the run saw them."


def _report_conditions(run: Run | None, report: dict[str, Any] | None, accepted: set[str]) -> tuple[Condition, ...]:
    titles = {
        "report_current": "Report up to date",
        "coverage_complete": "Coverage complete",
        "no_incompatible": "Nothing incompatible",
        "nothing_indeterminate": "Nothing indeterminate",
        "conditionals_acknowledged": "Conditionals acknowledged",
        "no_regression": "No regression",
    }
    if run is None or report is None:
        return tuple(
            Condition(key=key, title=title, status=PENDING, detail="Waits for the run.")
            for key, title in titles.items()
        )
    counted = [finding for finding in report["findings"] if finding["state"] != "fixed"]
    judged = {
        "report_current": _up_to_date(run),
        "coverage_complete": _coverage(report),
        "no_incompatible": _none_of(counted, "incompatible", "Change the proposal."),
        "nothing_indeterminate": _none_of(counted, "indeterminate", "Add the input that is missing."),
        "conditionals_acknowledged": _acknowledged(counted, accepted),
        "no_regression": _no_regression(report),
    }
    return tuple(Condition(key=key, title=titles[key], status=judged[key][0], detail=judged[key][1]) for key in titles)


def _coverage(report: dict[str, Any]) -> tuple[str, str]:
    ran, undecided = report["coverage"]["ran"], report["coverage"]["undecided"]
    if not ran:
        return UNSATISFIED, "No rule ran: that proves nothing."
    detail = f"{len(ran)} rules ran, {len(report['coverage']['not_applicable'])} did not apply"
    return (UNSATISFIED, f"{detail}, {len(undecided)} could not decide.") if undecided else (SATISFIED, f"{detail}.")


def _none_of(findings: list[dict[str, Any]], verdict: str, remedy: str) -> tuple[str, str]:
    hits = sum(finding["verdict"] == verdict for finding in findings)
    return (UNSATISFIED, f"{hits} finding{'s' * (hits > 1)}. {remedy}") if hits else (SATISFIED, "None.")


def _acknowledged(findings: list[dict[str, Any]], accepted: set[str]) -> tuple[str, str]:
    conditional = {finding["fingerprint"] for finding in findings if finding["verdict"] == "conditional"}
    if not conditional:
        return NOT_APPLICABLE, "None."
    open_count = len(conditional - accepted)
    detail = f"{len(conditional) - open_count} of {len(conditional)}: an approval accepts the assumptions listed."
    return (PENDING, detail) if open_count else (SATISFIED, detail)


def _no_regression(report: dict[str, Any]) -> tuple[str, str]:
    if report["kind"] != "layout":
        return NOT_APPLICABLE, "A proposed guest has no verdict of before."
    names = [name for row in report["classes"] if row["change"] == "regressed" for name in row["members"]]
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    detail = f"{len(names)} guest{'s' * (len(names) > 1)}: {', '.join(names[:5])}{more}."
    return (UNSATISFIED, detail) if names else (SATISFIED, "None.")


def _approvals(approvals: list[Vote], needed: int) -> Condition:
    status = SATISFIED if len(approvals) >= needed else PENDING
    detail = f"{len(approvals)} of {needed}, by people who did not contribute to this revision."
    return Condition(key="approvals", title="Approvals", status=status, detail=detail, scope="adopt")


def _objections(votes: list[Vote]) -> Condition:
    objecting = [v for v in votes if v.value in {Vote.Value.BLOCK, Vote.Value.REQUEST_CHANGES}]
    names = ", ".join(f"{vote.voter} ({vote.label.lower()})" for vote in objecting)
    status = UNSATISFIED if objecting else SATISFIED
    detail = f"{names}." if objecting else "None."
    return Condition(
        key="no_objection", title="No block or request for changes", status=status, detail=detail, scope="adopt"
    )


def approval_refusal(principal: Principal, revision: Revision) -> str:
    """Empty when the principal may approve this revision, else the reason why not."""
    if not may(principal, revision.submission.project, Role.REVIEWER, scope="review"):
        return "Approving needs the role reviewer."
    if principal.user.pk in contributors_of(revision):
        return "You contributed to this revision, so somebody else must approve it."
    return ""
