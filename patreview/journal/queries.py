"""Read the journal. Whoever asks must have checked the right to: this room knows no principals."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

from django.db.models import Q, QuerySet

from patreview.journal.chain import content_of
from patreview.journal.models import Entry, Head

# Doors name these types in annotations; they reach rows only through queries and services.
__all__ = [
    "ACTION",
    "Entry",
    "Wanted",
    "document_of",
    "entries_about",
    "entries_of",
    "head_of",
    "heads",
    "project_ids",
]

ACTION = r"[a-z_]{1,25}(\.[a-z_]{1,25})?"  # a group, as vote, or one action, as vote.cast
_SUBMISSION = re.compile(r"submission:[0-9]+(/r[0-9]+)?", re.ASCII)


@dataclass(frozen=True)
class Wanted:
    """Which entries; nothing stated is all of them. Days are of UTC, both included."""

    actor: str = ""
    action: str = ""
    subject: str = ""
    since: date | None = None
    until: date | None = None

    @property
    def condition(self) -> Q:
        found = Q(actor=self.actor) if self.actor else Q()
        if self.action:
            found &= Q(action=self.action) | Q(action__startswith=f"{self.action}.")
        if self.subject:
            found &= self._about
        if self.since:
            found &= Q(at__gte=datetime.combine(self.since, time.min, UTC))
        if self.until:
            found &= Q(at__lte=datetime.combine(self.until, time.max, UTC))
        return found

    @property
    def _about(self) -> Q:
        """An object itself; of a submission or revision also what is below it, its runs."""
        below = Q(object__startswith=f"{self.subject}/") if _SUBMISSION.fullmatch(self.subject) else Q()
        return Q(object=self.subject) | below if below else Q(object=self.subject)


def entries_of(project_id: int, wanted: Wanted | None = None) -> QuerySet[Entry]:
    """Entries of a project, newest first."""
    found = Entry.objects.filter(project_id=project_id).order_by("-seq")
    return found.filter(wanted.condition) if wanted else found


def entries_about(project_id: int, subject: str, limit: int) -> QuerySet[Entry]:
    """The newest entries about one object, as in `guest:web-7` or `platform:xen-4.19`."""
    return entries_of(project_id).filter(object=subject)[:limit]


def document_of(entry: Entry) -> dict[str, Any]:
    """A whole entry as plain data: what its hash covers, and the hash."""
    return content_of(entry) | {"hash": entry.hash}


def head_of(project_id: int) -> Head:
    """Where a project's chain ends; seq 0 where it has not begun."""
    return Head.objects.filter(project_id=project_id).first() or Head(project_id=project_id)


def heads() -> QuerySet[Head]:
    """The heads of all projects."""
    return Head.objects.order_by("project_id")


def project_ids() -> set[int]:
    """Every project that has a head or an entry, there or not."""
    known = Head.objects.values_list("project_id", flat=True)
    return {*known, *Entry.objects.order_by().values_list("project_id", flat=True).distinct()}
