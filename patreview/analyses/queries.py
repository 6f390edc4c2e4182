"""What a principal may see of runs and reports."""

import json
from typing import Any

from django.db.models import QuerySet

from patreview import engine
from patreview.analyses.images import last_isolation
from patreview.analyses.models import Finding, Report, Run
from patreview.analyses.scenario import guest_of, scenario_of
from patreview.projects.models import Project
from patreview.projects.principal import Principal
from patreview.projects.queries import project_scope
from patreview.submissions.models import Revision

# Doors name these types in annotations; they reach rows only through queries and services.
__all__ = [
    "Finding",
    "Run",
    "content_of",
    "guest_of",
    "is_stale",
    "last_isolation",
    "last_run",
    "may_be_stale",
    "polled_runs",
    "report_of",
    "report_text",
    "runs_of",
    "sightings_of",
    "stale_reasons",
    "visible_runs",
    "waiting_runs",
]

_OF_RUN = (
    *("attempt", "trigger", "state", "verdict", "stale_reasons", "reason_text", "engine_version", "report_digest"),
    *("queued_at", "started_at", "finished_at"),
)


def content_of(revision: Revision) -> dict[str, Any]:
    """What a revision states, with what was read of its images by now."""
    content: dict[str, Any] = revision.content
    waits = any(one["state"] == "pending" for one in content.get("guest", {}).get("evidence", []))
    return content | {"guest": guest_of(revision)} if waits else content


def visible_runs(principal: Principal) -> QuerySet[Run]:
    """Runs of visible submissions, newest first."""
    scope = project_scope(principal, "revision__submission__project__")
    return Run.objects.filter(scope).select_related("revision__submission__project").order_by("-pk")


def polled_runs(principal: Principal) -> QuerySet[Run]:
    """visible_runs() for one who asks again and again: what a run says of itself, and the number of its revision."""
    light = visible_runs(principal).select_related(None).select_related("revision")
    return light.only(*_OF_RUN, "revision__number", "revision__submission_id")


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


def sightings_of(principal: Principal, project: Project, fingerprint: str) -> QuerySet[Finding]:
    """Where a project's runs said this, newest first."""
    found = Finding.objects.filter(
        project_scope(principal, "run__revision__submission__project__"),
        fingerprint=fingerprint[:64],
        run__revision__submission__project=project,
    )
    return found.select_related("run__revision__submission").order_by("-pk")


def waiting_runs() -> int:
    """How many runs wait for a worker."""
    return Run.objects.filter(state=Run.State.QUEUED).count()


def stale_reasons(run: Run) -> list[str]:
    """What changed since a completed run, so that the same revision might be judged otherwise now.

    `engine` and `rules` are patreview's own, `baseline` is a platform, `fleet` the guests in service. What is in
    service and cannot be read counts as changed: another run says what is wrong with it.
    """
    changed = ["engine"] if run.engine_version != engine.ENGINE_VERSION else []
    changed += ["rules"] if run.rules_digest != engine.rules_digest() else []
    try:
        now = scenario_of(run.revision)
        if run.input_digest == engine.digest("scenario", now):
            return changed
    except (LookupError, TypeError, ValueError):
        return [*changed, "fleet"]
    body = Report.objects.filter(run=run).values_list("scenario", flat=True).first()
    asked = json.loads(body) if body else {}
    moved = [name for name, key in (("baseline", "platforms"), ("fleet", "guests")) if asked.get(key) != now[key]]
    return changed + (moved or ["baseline"])


def is_stale(run: Run) -> bool:
    """Whether another run might judge otherwise now."""
    return bool(stale_reasons(run))


def may_be_stale(run: Run, project: Project) -> bool:
    """Whether anything moved at all since the run: where it did not, nobody need build its scenario again."""
    judged_by = (run.engine_version, run.rules_digest, run.catalogue_version)
    return judged_by != (engine.ENGINE_VERSION, engine.rules_digest(), project.catalogue_version)
