"""The findings that stand: of the last completed run of the current revision of each open submission."""

import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from django.db.models import BooleanField, Func, Q, QuerySet, Value

from patreview.analyses.listing import Page
from patreview.analyses.models import Finding, Run
from patreview.projects.models import Project
from patreview.submissions.models import Submission

STATES = ("new", "changed", "unchanged", "fixed")
_PLACE = re.compile(r"([0-9]{1,18})\.([0-9]{1,9})")


class Place(NamedTuple):
    """Where a finding lies in the list, written as in `41.7`: its run, its position in that run's report."""

    run: int
    position: int

    def __str__(self) -> str:
        return f"{self.run}.{self.position}"

    @classmethod
    def read(cls, text: str) -> "Place":
        """Raises ValueError for a text that is no place."""
        found = _PLACE.fullmatch(text) if text.isascii() else None
        if found is None:
            raise ValueError(text)
        return cls(int(found[1]), int(found[2]))


class StandingFinding(NamedTuple):
    """A finding and the submission that it stands against."""

    finding: Finding
    submission_id: int
    submission: str
    revision: int

    @property
    def place(self) -> Place:
        return Place(self.finding.run_id, self.finding.position)


class _Names(Func):
    """Whether a list of texts that is kept as JSON has the one text of another such list."""

    output_field = BooleanField()
    template = "(%(expressions)s::jsonb)"
    arg_joiner = " @> "

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        template = "EXISTS (SELECT 1 FROM json_each(%(expressions)s, '$[0]'))"
        joiner = ") AS one WHERE one.value = json_extract("
        return self.as_sql(compiler, connection, template=template, arg_joiner=joiner, **context)


def findings_page(run: Run, chosen: Mapping[str, str], *, limit: int, after: int | None = None) -> Page[Finding]:
    """The findings of a run, worst first: those past the position `after`."""
    found = run.findings.filter(**chosen).order_by("position")
    rows = list((found.filter(position__gt=after) if after is not None else found)[: limit + 1])
    return Page(rows[:limit], newer=False, older=len(rows) > limit)


def standing_findings(
    project: Project,
    chosen: Mapping[str, str],
    *,
    limit: int,
    before: Place | None = None,
    after: Place | None = None,
) -> Page[StandingFinding]:
    """Findings of a project that the reader was allowed to see, by run from the newest, each run's worst first.

    They are those past the place `before`, or those just ahead of the place `after`.
    """
    stands = Submission.objects.filter(project=project, state=Submission.State.OPEN, standing_run__isnull=False)
    found = _chosen(Finding.objects.filter(run__in=stands.values("standing_run")), chosen)
    if after is not None:
        ahead = Q(run__gt=after.run) | Q(run=after.run, position__lt=after.position)
        found = found.filter(ahead, run__gte=after.run).order_by("run_id", "-position")
    else:
        found = (found.filter(_past(before)) if before is not None else found).order_by("-run_id", "position")
    rows = list(found[: limit + 1])
    shown, more = _with_submissions(rows[:limit], stands), len(rows) > limit
    if after is not None:
        return Page(shown[::-1], newer=more, older=True)
    return Page(shown, newer=before is not None, older=more)


def _past(place: Place) -> Q:
    """The first half alone is what an index can seek by."""
    past = Q(run__lt=place.run) | Q(run=place.run, position__gt=place.position)
    return Q(run__lte=place.run) & past


def _chosen(found: QuerySet[Finding], chosen: Mapping[str, str]) -> QuerySet[Finding]:
    """The findings that pass the filters. What a proposal mends does not stand, and is shown where it is asked for."""
    found = found.filter(**{name: chosen[name] for name in ("verdict", "rule", "state") if name in chosen})
    if "state" not in chosen:
        found = found.exclude(state="fixed")
    if "guest" in chosen:
        found = found.filter(_Names("guests", Value(json.dumps([chosen["guest"]]))))
    return found


def _with_submissions(findings: list[Finding], stands: QuerySet[Submission]) -> list[StandingFinding]:
    runs = {finding.run_id for finding in findings}
    columns = ("standing_run", "pk", "title", "current__number")
    known = {run: about for run, *about in stands.filter(standing_run__in=runs).values_list(*columns)}
    return [StandingFinding(finding, *known[finding.run_id]) for finding in findings if finding.run_id in known]
