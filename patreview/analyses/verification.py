"""Stored reports, checked against their digests, the journal, their findings, and the engine itself."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import Model, Q, QuerySet

from patreview import engine
from patreview.analyses.models import Finding, Report, Run
from patreview.analyses.runner import finding_rows, subject_of
from patreview.analyses.scenario import verdict_digest
from patreview.journal.queries import entries_about, entries_of
from patreview.projects.models import Project

CHUNK = 20  # runs at a time in memory, with their reports and findings
COMPLETED = "run.completed"
# What an engine raises on a scenario that it was never asked.
NO_SCENARIO = (engine.InvalidInput, ArithmeticError, AttributeError, LookupError, TypeError, ValueError, RecursionError)
Json = dict[str, Any]


@dataclass(frozen=True)
class Checked:
    """A run whose report was checked. `how` is again (computed once more), digests, older or unasked.

    Older is of another engine or other rules than those of now; unasked was stored before scenarios were kept.
    """

    run: Run
    how: str
    faults: list[str]

    @property
    def subject(self) -> str:
        return subject_of(self.run)


def runs_to_check(project: Project) -> QuerySet[Run]:
    """Runs that have a report or should."""
    mine = Run.objects.filter(revision__submission__project=project)
    found = mine.filter(Q(state=Run.State.COMPLETED) | Q(report__isnull=False))
    return found.select_related("report", "revision__submission").prefetch_related("findings").order_by("pk")


def runs_of_this_engine(project: Project) -> QuerySet[Run]:
    """Those whose report can be computed again."""
    now = {"engine_version": engine.ENGINE_VERSION, "rules_digest": engine.rules_digest()}
    return runs_to_check(project).filter(**now).exclude(report__scenario="")


def check_reports(project: Project, again: set[int] | None) -> Iterator[Checked]:
    """Every report of a project. Those of the runs in `again` are computed once more; None means all that can be."""
    for run in runs_to_check(project).iterator(chunk_size=CHUNK):
        yield _check(run, again is None or run.pk in again)


def lost_runs(project: Project) -> int:
    """How many completed runs the journal tells of that are not there, or are there and it does not tell of."""
    told = entries_of(project.pk).filter(action=COMPLETED)
    runs = Run.objects.filter(revision__submission__project=project, state=Run.State.COMPLETED)
    return abs(told.count() - runs.count())


def _check(run: Run, again: bool) -> Checked:
    report: Report | None = getattr(run, "report", None)
    if report is None:
        return Checked(run, "digests", ["its report is missing"])
    now = (run.engine_version, run.rules_digest) == (engine.ENGINE_VERSION, engine.rules_digest())
    how = "unasked" if not report.scenario else "older" if not now else "again" if again else "digests"
    faults = [*_digests(run, report), *_content(run, report)]
    if how == "again":
        faults += _computed_again(report)
    return Checked(run, how, faults)


def _digests(run: Run, report: Report) -> Iterator[str]:
    if run.state != Run.State.COMPLETED:
        yield f"it has a report and is {run.state}"
    digest = engine.digest("report", report.body.encode())
    if digest != report.digest:
        yield "the report is not the one that its own digest was taken of"
    if digest != run.report_digest:
        yield "the report is not the one that the run's digest was taken of"
    entries = entries_about(run.revision.submission.project_id, subject_of(run), 20)
    told = next((entry.data.get("report") for entry in entries if entry.action == COMPLETED), None)
    if digest != told:
        yield "the report is not the one that the journal tells of"
    if report.scenario and engine.digest("scenario", report.scenario.encode()) != run.input_digest:
        yield "the scenario is not the one that the run's digest was taken of"


def _content(run: Run, report: Report) -> Iterator[str]:
    """What is stored beside a report, compared with what it says."""
    try:
        body = json.loads(report.body)
        said = _columns(body)
        wanted = [_row(row) for row in finding_rows(run, body)]
    except (AttributeError, LookupError, TypeError, ValueError, RecursionError):
        yield "the report cannot be read"
        return
    if not run.verdict_digest:  # of before it was kept
        del said["verdict_digest"]
    for name, value in said.items():
        if getattr(run, name) != value:
            yield f"the run's {name} is not the one of the report"
    stored_rows = sorted((_row(row) for row in run.findings.all()), key=lambda row: row["position"])
    if stored_rows != wanted:
        at = next((n for n, (a, b) in enumerate(zip(stored_rows, wanted, strict=False)) if a != b), None)
        where = f"{len(stored_rows)} rows for {len(wanted)} findings" if at is None else f"the first is number {at + 1}"
        yield f"the rows of its findings differ from the report: {where}"


def _columns(body: Json) -> Json:
    about = {"engine_version": body["engine"]["version"], "rules_digest": body["engine"]["rules_digest"]}
    return about | {"verdict": body["verdict"], "verdict_digest": verdict_digest(body)}


def _row(row: Model) -> Json:
    return {field.attname: getattr(row, field.attname) for field in Finding._meta.fields if field.name != "id"}


def _computed_again(report: Report) -> list[str]:
    try:
        body = engine.canonical(engine.analyse(json.loads(report.scenario)))
    except NO_SCENARIO as exc:
        return [f"its scenario cannot be judged: {type(exc).__name__}"]
    return [] if body == report.body.encode() else ["computed again from its scenario the report is another"]
