"""What a principal may see of runs and reports."""

import json
from typing import Any

from django.db.models import QuerySet

from patreview import engine
from patreview.analyses.images import last_isolation
from patreview.analyses.models import Finding, Report, Run
from patreview.analyses.scenario import guest_of, scenario_of
from patreview.projects.principal import Principal
from patreview.projects.queries import project_scope
from patreview.submissions.models import Revision

# Doors name these types in annotations; they reach rows only through queries and services.
__all__ = [
    "Finding",
    "Run",
    "content_of",
    "findings_of",
    "guest_of",
    "is_stale",
    "last_isolation",
    "last_run",
    "report_of",
    "report_text",
    "runs_of",
    "visible_runs",
    "waiting_runs",
]


def content_of(revision: Revision) -> dict[str, Any]:
    """What a revision states, with what was read of its images by now."""
    content: dict[str, Any] = revision.content
    waits = any(one["state"] == "pending" for one in content.get("guest", {}).get("evidence", []))
    return content | {"guest": guest_of(revision)} if waits else content


def visible_runs(principal: Principal) -> QuerySet[Run]:
    """Runs of visible submissions, newest first."""
    scope = project_scope(principal, "revision__submission__project__")
    return Run.objects.filter(scope).select_related("revision__submission__project").order_by("-pk")


def runs_of(revision: Revision) -> QuerySet[Run]:
    """All attempts, newest first."""
    return revision.runs.order_by("-attempt")


def last_run(revision: Revision) -> Run | None:
    """The newest attempt, whatever its state."""
    return runs_of(revision).first()


def report_of(run: Run) -> dict[str, Any] | None:
    """The report's body; None while the run has none."""
    body = report_text(run)
    report: dict[str, Any] | None = json.loads(body) if body else None
    return report


def report_text(run: Run) -> str | None:
    """The canonical JSON exactly as it was stored and digested."""
    return Report.objects.filter(run=run).values_list("body", flat=True).first()


def findings_of(run: Run) -> QuerySet[Finding]:
    """Worst first, as the engine put them."""
    return run.findings.order_by("position")


def waiting_runs() -> int:
    """How many runs wait for a worker."""
    return Run.objects.filter(state=Run.State.QUEUED).count()


def is_stale(run: Run) -> bool:
    """Whether the rules, a platform or a guest changed since: the same revision might be judged otherwise now.

    What is in service and cannot be read counts as changed: another run says what is wrong with it.
    """
    if run.rules_digest != engine.rules_digest():
        return True
    try:
        return run.input_digest != engine.digest("scenario", scenario_of(run.revision))
    except (LookupError, TypeError, ValueError):
        return True
