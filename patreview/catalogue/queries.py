"""What is in service in a project that the caller was allowed to see, and what was."""

from dataclasses import dataclass

from django.db.models import Count, Min, Q, QuerySet

from patreview.catalogue.models import Guest, Layout, Platform
from patreview.projects.models import Project

# Doors name these types in annotations; they reach rows only through queries and services.
__all__ = [
    "CPU_VENDORS",
    "FactGroup",
    "Guest",
    "Layout",
    "Platform",
    "all_guests_in",
    "all_platforms_in",
    "catalogue_version",
    "distinct_facts_in",
    "fact_groups_in",
    "facts_of",
    "guest_counts_by_platform",
    "guests_in",
    "guests_on",
    "layouts_in",
    "platforms_in",
]

CPU_VENDORS: tuple[tuple[str, str], ...] = tuple((str(value), str(label)) for value, label in Platform.Vendor.choices)


def catalogue_version(project_id: int) -> int:
    """Which state of what is in service the project is in; it rises with each change."""
    return Project.objects.values_list("catalogue_version", flat=True).get(pk=project_id)


def platforms_in(project: Project) -> QuerySet[Platform]:
    """Platforms not retired, with their layouts, by name."""
    return all_platforms_in(project).filter(retired_at=None)


def all_platforms_in(project: Project) -> QuerySet[Platform]:
    """Platforms, retired ones too, with their layouts, by name."""
    return project.platforms.select_related("layout").order_by("name")


def layouts_in(project: Project) -> QuerySet[Layout]:
    """Layouts known to the project, oldest first."""
    return project.layouts.order_by("pk")


def guests_in(project: Project) -> QuerySet[Guest]:
    """Guests in service with their platforms, by name."""
    return all_guests_in(project).filter(retired_at=None)


def all_guests_in(project: Project) -> QuerySet[Guest]:
    """Guests, retired ones too, with their platforms, by name."""
    return project.guests.prefetch_related("platforms").order_by("name")


def guests_on(platform: Platform) -> QuerySet[Guest]:
    """Guests in service on one platform, by name."""
    return platform.guests.filter(retired_at=None).order_by("name")


@dataclass(frozen=True, slots=True)
class FactGroup:
    """Guests in service on one platform whose facts decide alike: how many, and the one that came first."""

    digest: str
    platform: int
    guests: int
    first: int


_LARGEST_FIRST = ("-guests", "first", "platform_id")
_ON = Guest.platforms.through.objects


def _in_service(project: Project) -> Q:
    return Q(guest__project=project, guest__retired_at=None, platform__retired_at=None)


def fact_groups_in(project: Project, limit: int) -> list[FactGroup]:
    """The largest groups, by one GROUP BY however many guests there are."""
    grouped = _ON.filter(_in_service(project)).values_list("guest__facts_digest", "platform_id")
    counted = grouped.annotate(guests=Count("pk"), first=Min("guest_id"))
    return [FactGroup(*row) for row in counted.order_by(*_LARGEST_FIRST)[:limit]]


def distinct_facts_in(project: Project) -> int:
    """How many pairs of distinct facts and a platform are in service."""
    return _ON.filter(_in_service(project)).values("guest__facts_digest", "platform_id").distinct().count()


def guest_counts_by_platform(project: Project) -> dict[int, int]:
    """How many guests in service each platform has; those without any are not in it."""
    grouped = _ON.filter(_in_service(project)).values_list("platform_id")
    return dict(grouped.annotate(guests=Count("pk")).order_by("platform_id"))


def facts_of(ids: set[int]) -> dict[int, tuple[str, object]]:
    """Name and facts of some guests, without the files that they were read from."""
    rows = Guest.objects.filter(pk__in=ids).values_list("pk", "name", "facts__facts")
    return {pk: (name, facts) for pk, name, facts in rows}
