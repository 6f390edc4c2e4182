"""What is in service in a project that the caller was allowed to see."""

from django.db.models import QuerySet

from patreview.catalogue.models import Guest, Layout, Platform
from patreview.projects.models import Project


def catalogue_version(project_id: int) -> int:
    """Which state of what is in service the project is in; it rises with each change."""
    return Project.objects.values_list("catalogue_version", flat=True).get(pk=project_id)


def platforms_in(project: Project) -> QuerySet[Platform]:
    """Platforms not retired, with their layouts, by name."""
    return project.platforms.filter(retired_at=None).select_related("layout").order_by("name")


def layouts_in(project: Project) -> QuerySet[Layout]:
    """Layouts known to the project, oldest first."""
    return project.layouts.order_by("pk")


def guests_in(project: Project) -> QuerySet[Guest]:
    """Guests in service with their platforms, by name."""
    return project.guests.filter(retired_at=None).prefetch_related("platforms").order_by("name")


def guests_on(platform: Platform) -> QuerySet[Guest]:
    """Guests in service on one platform, by name."""
    return platform.guests.filter(retired_at=None).order_by("name")
