"""Find what no longer fits: runs that judged by other rules, another engine, or another catalogue than there is now.

What is in service changed: the submission is queued again. Patreview itself changed: the run is marked, and people
decide when to run it again. Each change of the catalogue raises the project's version, so that looking is cheap.
"""

from django.db import transaction
from django.db.models import F, Q, QuerySet

from patreview import engine
from patreview.analyses.models import Run
from patreview.analyses.queries import stale_reasons
from patreview.analyses.services import queue_run
from patreview.journal.services import record
from patreview.journal.subjects import submission_subject
from patreview.projects.models import Project
from patreview.submissions.models import Submission
from patreview.submissions.services import lock

BATCH = 20


def sweep() -> bool:
    """Look at some runs of projects that were not looked through in their present state. True: look again soon."""
    judged_by = f"{engine.ENGINE_VERSION} {engine.rules_digest()}"
    moved = ~Q(swept_version=F("catalogue_version")) | ~Q(swept_rules=judged_by)
    left = BATCH
    for project in Project.objects.filter(moved).order_by("pk"):
        left -= _look_through(project, judged_by, at_most=left)
        if left <= 0:
            return True
    return False


def _look_through(project: Project, judged_by: str, *, at_most: int) -> int:
    """Look at some runs of a project, and remember where there is nothing more to look at. How many were looked at."""
    found = list(_suspects(project).values_list("pk", flat=True)[:at_most])
    for run_id in found:
        look_at(run_id)
    # A run that is under way may have read what was in service before it changed. Other projects do not wait for it.
    running = Run.objects.filter(state=Run.State.RUNNING, revision__submission__project=project)
    if len(found) < at_most and not running.exists():
        swept = {"swept_version": project.catalogue_version, "swept_rules": judged_by}
        Project.objects.filter(pk=project.pk).update(**swept)
    return len(found)


def _suspects(project: Project) -> QuerySet[Run]:
    """Last runs of open submissions that saw another state than now, and were not looked at in this one."""
    by_another = ~Q(engine_version=engine.ENGINE_VERSION) | ~Q(rules_digest=engine.rules_digest())
    unmarked = by_another & Q(stale_reasons=[])
    standing = Run.objects.filter(
        state=Run.State.COMPLETED,
        revision__submission__project=project,
        revision__submission__state=Submission.State.OPEN,
        revision__submission__run_state=Run.State.COMPLETED,
        revision__submission__current=F("revision"),
    )
    return standing.filter(~Q(catalogue_version=project.catalogue_version) | unmarked).order_by("pk")


@transaction.atomic
def look_at(run_id: int) -> None:
    """Mark one run if it is stale, and queue its revision again if the catalogue is why."""
    run = Run.objects.select_related("revision__submission__project").get(pk=run_id)
    submission = lock(run.revision.submission_id)
    version = submission.project.catalogue_version
    last = run.revision.runs.order_by("-attempt").first()
    if submission.state != Submission.State.OPEN:
        return  # it was decided since the sweep began, and keeps the report that it was decided by
    if last is None or last.pk != run.pk or submission.current_id != run.revision_id:
        Run.objects.filter(pk=run.pk).update(catalogue_version=version)  # it is no last run any more
        return
    reasons = stale_reasons(run)
    Run.objects.filter(pk=run.pk).update(stale_reasons=reasons, catalogue_version=version)
    if {"baseline", "fleet"} & set(reasons):
        _run_again(run, reasons)
    elif reasons:
        Submission.objects.filter(pk=submission.pk).update(is_stale=True)


def _run_again(run: Run, reasons: list[str]) -> None:
    reason = f"Changed since run {run.attempt}: {', '.join(reasons)}."
    again = queue_run(run.revision, by=None, trigger="catalogue", attempt=run.attempt + 1, reason=reason)
    revision = run.revision
    subject = submission_subject(revision.submission_id, revision.number)
    record(
        revision.submission.project_id, "run.requested", subject,
        actor="patreview", attempt=again.attempt, reason=reason,
    )  # fmt: skip
