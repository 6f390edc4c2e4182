"""Read the journal. Whoever asks must have checked the right to: this room knows no principals."""

from django.db.models import QuerySet

from patreview.journal.models import Entry, Head

# Doors name this type in annotations; they reach rows only through queries and services.
__all__ = ["Entry", "entries_about", "entries_of", "head_of", "project_ids"]


def entries_of(project_id: int) -> QuerySet[Entry]:
    """All entries of a project, newest first."""
    return Entry.objects.filter(project_id=project_id).order_by("-seq")


def entries_about(project_id: int, subject: str, limit: int) -> QuerySet[Entry]:
    """The newest entries about one object, as in `guest:web-7` or `platform:xen-4.19`."""
    return entries_of(project_id).filter(object=subject)[:limit]


def head_of(project_id: int) -> Head:
    """Where a project's chain ends; seq 0 where it has not begun."""
    return Head.objects.filter(project_id=project_id).first() or Head(project_id=project_id)


def project_ids() -> set[int]:
    """Every project that has a head or an entry, there or not."""
    heads = Head.objects.values_list("project_id", flat=True)
    return {*heads, *Entry.objects.order_by().values_list("project_id", flat=True).distinct()}
