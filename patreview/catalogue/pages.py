"""A page of a project's guests, by name, without counting those before it."""

from collections.abc import Mapping, Set
from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Q, QuerySet

from patreview.catalogue.models import Guest
from patreview.catalogue.queries import all_guests_in
from patreview.projects.models import Project


@dataclass(frozen=True)
class GuestFilter:
    """Which guests. `state` is "" (in service), retired or all; `alike` holds digests of facts by platform."""

    name: str = ""
    platform: str = ""
    state: str = ""
    alike: Mapping[str, Set[str]] | None = None


@dataclass(frozen=True)
class GuestPage:
    """Guests in the order of their names."""

    guests: list[Guest]
    has_previous: bool
    has_next: bool


def guest_page(
    project: Project, which: GuestFilter, *, limit: int, after: int | None = None, before: int | None = None
) -> GuestPage:
    """The page that begins after, or ends before, the guest of that id; an id that is no guest's finds nothing."""
    found = _filtered(project, which)
    key = after if before is None else before
    if key is not None:
        name = Guest.objects.filter(project=project, pk=key).values_list("name", flat=True).first()
        if name is None:
            return GuestPage([], has_previous=False, has_next=False)
        found = found.filter(name__gt=name) if before is None else found.filter(name__lt=name)
    if before is not None:
        rows = list(found.order_by("-name")[: limit + 1])
        return GuestPage(rows[:limit][::-1], has_previous=len(rows) > limit, has_next=bool(rows))
    rows = list(found[: limit + 1])
    return GuestPage(rows[:limit], has_previous=key is not None and bool(rows), has_next=len(rows) > limit)


def _filtered(project: Project, which: GuestFilter) -> QuerySet[Guest]:
    found = all_guests_in(project)
    if which.state != "all":
        found = found.filter(retired_at__isnull=which.state != "retired")
    if which.name:
        found = found.filter(name__icontains=which.name)
    places = Guest.platforms.through.objects.filter(guest=OuterRef("pk"), platform__retired_at=None)
    if which.alike is not None:
        found = found.filter(Exists(places.filter(_alike(which.alike, which.platform))))
    elif which.platform:
        found = found.filter(Exists(places.filter(platform__name=which.platform)))
    return found


def _alike(alike: Mapping[str, Set[str]], only: str) -> Q:
    """On one of the platforms with facts that decide alike there; nobody where there is none."""
    condition = Q(pk__in=[])
    for platform, digests in alike.items():
        if only in ("", platform):
            condition |= Q(platform__name=platform, guest__facts_digest__in=digests)
    return condition
