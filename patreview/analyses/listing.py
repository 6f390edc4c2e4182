"""Lists that grow without end: pages by key, light rows, filters that have an index."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Generic, NamedTuple, TypeVar

from django.db.models import OuterRef, QuerySet, Subquery

from patreview.accounts.models import User
from patreview.catalogue.models import Platform
from patreview.projects.models import Project
from patreview.submissions.models import Revision, Submission

Row = TypeVar("Row")
Rows = QuerySet[Submission, tuple[Any, ...]]


@dataclass(frozen=True)
class Page(Generic[Row]):
    """Some rows, and whether there are others on either side of them."""

    rows: Sequence[Row]
    newer: bool
    older: bool


def page_of(found: QuerySet[Any, Any], key: str, *, limit: int, before: Any = None, after: Any = None) -> Page[Any]:
    """A page of rows by a key that rises with time, newest first: those older than `before`, or newer than `after`."""
    if after is not None:
        rows = list(found.filter(**{f"{key}__gt": after}).order_by(key)[: limit + 1])
        return Page(rows[:limit][::-1], newer=len(rows) > limit, older=True)
    older = found.filter(**{f"{key}__lt": before}) if before is not None else found
    rows = list(older.order_by(f"-{key}")[: limit + 1])
    return Page(rows[:limit], newer=before is not None, older=len(rows) > limit)


class SubmissionRow(NamedTuple):
    """What a list shows of a submission. No model: a list makes hundreds, and none of them is ever saved."""

    pk: int
    kind: str
    title: str
    external_key: str | None
    platform: str | None
    owner_id: int
    owner: str
    state: str
    revision_id: int | None
    revision: int | None
    proposed_msr: str
    run_state: str
    verdict: str
    created_at: datetime
    is_stale: bool


_COLUMNS = (
    *("pk", "kind", "title", "external_key", "@platform", "owner", "@owner", "state"),
    *("current", "@current", "proposed_msr", "run_state", "verdict", "created_at", "is_stale"),
)


def submission_page(
    project: Project | QuerySet[Project],
    chosen: Mapping[str, Any],
    *,
    reader: int | None,
    limit: int,
    before: int | None = None,
    after: int | None = None,
) -> Page[SubmissionRow]:
    """Submissions of a project that the reader was allowed to see, or of the one that a query finds; newest first.

    They are those older than `before`, or those just newer than `after`; `reader` is whom the filter `mine` means.
    """
    within: Any = project if isinstance(project, Project) else project.order_by().values("pk")[:1]
    found = _chosen(_rows().filter(project=within), chosen, reader)
    page = page_of(found, "pk", limit=limit, before=before, after=after)
    return Page([SubmissionRow._make(row) for row in page.rows], newer=page.newer, older=page.older)


@cache
def _rows() -> Rows:
    """What rows are made of, for `filter()` alone: to put it together takes as long as to ask it.

    Names are subqueries, not joins: no planner can then join a million rows first and cut a page out of them last.
    """
    names = {
        "platform": Platform.objects.filter(pk=OuterRef("platform")).values("name"),
        "owner": User.objects.filter(pk=OuterRef("owner")).values("username"),
        "current": Revision.objects.filter(pk=OuterRef("current")).values("number"),
    }
    columns = [Subquery(names[name[1:]]) if name.startswith("@") else name for name in _COLUMNS]
    return Submission.objects.values_list(*columns)


def _chosen(found: Rows, chosen: Mapping[str, Any], reader: int | None) -> Rows:
    """The rows that pass the filters.

    Names become ids by a subquery of one row, not by a join: so the index below the filter also gives the order.
    """
    by: dict[str, Any] = {name: chosen[name] for name in ("state", "kind", "verdict") if name in chosen}
    if "owner" in chosen:
        by["owner"] = User.objects.filter(username=chosen["owner"]).values("pk")[:1]
    if "platform" in chosen:
        by["platform"] = Platform.objects.filter(project=OuterRef("project"), name=chosen["platform"]).values("pk")[:1]
    if "stale" in chosen:
        by |= {"state": Submission.State.OPEN, "is_stale": True}
    found = found.filter(**by)
    return found.filter(owner=reader) if "mine" in chosen else found
