"""REST of what is in service: platforms, layouts, guests, and their retirement."""

from typing import Any

from django.db.models import BigIntegerField
from django.shortcuts import get_object_or_404
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from patreview import engine
from patreview.analyses.standing import Standing, standing_of
from patreview.api import catalogue_documents as documents
from patreview.api.serializers import Digits, NumberedQuery, PageQuery, ReasonIn, Strict
from patreview.api.views import View, with_query
from patreview.catalogue import retirement
from patreview.catalogue.pages import GuestFilter, guest_page
from patreview.catalogue.queries import (
    CPU_VENDORS,
    Guest,
    Platform,
    all_guests_in,
    all_platforms_in,
    layouts_in,
    platforms_in,
)
from patreview.catalogue.registration import NewPlatform, register_platform
from patreview.projects.queries import Project

STATES = ("in_service", "retired", "all")


class OnwardsQuery(PageQuery):
    """The query of a list that is read from its beginning."""

    after = Digits(min_value=0, max_value=BigIntegerField.MAX_BIGINT, required=False)


class PlatformsQuery(OnwardsQuery):
    state = serializers.ChoiceField(choices=STATES, default="in_service")


class GuestsQuery(NumberedQuery):
    """`after` and `before` are ids of guests; the order is that of the names."""

    state = serializers.ChoiceField(choices=STATES, default="in_service")
    name = serializers.CharField(max_length=100, required=False, default="", help_text="Part of the name.")
    platform = serializers.CharField(max_length=50, required=False, default="")
    verdict = serializers.ChoiceField(choices=engine.VERDICTS, required=False, default="")


class ClassesQuery(Strict):
    platform = serializers.CharField(max_length=50, required=False, default="")


class PlatformIn(Strict):
    """A platform to add; what is in `details` is judged by the engine."""

    name = serializers.CharField(max_length=50)
    release = serializers.CharField(max_length=20, help_text="Of Xen, as 4.19 or 4.17.2.")
    layout = serializers.CharField(
        max_length=10_000, required=False, default="", trim_whitespace=False, help_text="The release's own when absent."
    )
    cpu_vendor = serializers.ChoiceField(choices=[value for value, _ in CPU_VENDORS], default="any")
    cmdline = serializers.CharField(max_length=4096, required=False)
    patches = serializers.ListField(child=serializers.CharField(max_length=100), required=False, max_length=100)
    errata_cpu = serializers.BooleanField(required=False)
    mtrr = serializers.DictField(required=False)


class OptionalReasonIn(Strict):
    reason = serializers.CharField(max_length=retirement.REASON_MAX, required=False, default="", allow_blank=True)


class Platforms(View):
    query_serializer = PlatformsQuery

    def get(self, request: Request, slug: str) -> Response:
        """By number, which is the order in which they were added; `next` leads to the following page."""
        project, query = self.project(slug), self.query()
        rows = all_platforms_in(project).order_by("pk").filter(pk__gt=query.get("after", 0))
        if query["state"] != "all":
            rows = rows.filter(retired_at__isnull=query["state"] == "in_service")
        page = list(rows[: query["limit"] + 1])
        following = _following(request, [row.pk for row in page], query["limit"])
        shown = page[: query["limit"]]
        return Response({"results": [documents.platform_document(row, project.slug) for row in shown]} | following)

    def post(self, request: Request, slug: str) -> Response:
        """201 with the platform. By a maintainer, as a person."""
        project = self.project(slug)
        fields = self.sent(PlatformIn)
        details = {name: fields[name] for name in ("cmdline", "patches", "errata_cpu", "mtrr") if fields.get(name)}
        names = ("name", "release", "layout", "cpu_vendor")
        stated = NewPlatform(**{name: fields[name] for name in names}, details=details)
        made = register_platform(project, stated, by=self.principal)
        document = documents.platform_document(made, project.slug)
        return Response(document, status=201, headers={"Location": document["url"]})


def _following(request: Request, ids: list[int], limit: int) -> dict[str, Any]:
    more = len(ids) > limit
    return {"next": request.build_absolute_uri(with_query(request, after=ids[limit - 1])) if more else None}


class PlatformView(View):
    def platform(self, slug: str, name: str) -> tuple[Project, Platform]:
        project = self.project(slug)
        found = get_object_or_404(all_platforms_in(project), name=_storable(name))
        found.project = project
        return project, found

    def document(self, project: Project, found: Platform) -> dict[str, Any]:
        standing = documents.platform_standing(found, standing_of(project))
        return documents.platform_document(found, project.slug) | standing


class PlatformDetail(PlatformView):
    def get(self, request: Request, slug: str, name: str) -> Response:
        """With its guests by verdict, and who relies on which entry of the layout in force."""
        return Response(self.document(*self.platform(slug, name)))


class PlatformRetirement(PlatformView):
    def put(self, request: Request, slug: str, name: str) -> Response:
        """Retire. 409 when it is already."""
        _, found = self.platform(slug, name)
        reason = self.sent(ReasonIn)["reason"]
        retirement.retire(found, reason=reason, by=self.principal)
        return Response(self.document(*self.platform(slug, name)))

    def delete(self, request: Request, slug: str, name: str) -> Response:
        """Restore; a reason may come along. 409 when it is in service."""
        _, found = self.platform(slug, name)
        reason = self.sent(OptionalReasonIn)["reason"]
        retirement.restore(found, reason=reason, by=self.principal)
        return Response(self.document(*self.platform(slug, name)))


class Layouts(View):
    query_serializer = OnwardsQuery

    def get(self, request: Request, slug: str) -> Response:
        """In the order in which they became known."""
        project, query = self.project(slug), self.query()
        page = list(layouts_in(project).filter(pk__gt=query.get("after", 0))[: query["limit"] + 1])
        following = _following(request, [row.pk for row in page], query["limit"])
        shown = page[: query["limit"]]
        return Response({"results": [documents.layout_document(row, project.slug) for row in shown]} | following)


class LayoutDetail(View):
    def get(self, request: Request, slug: str, msr: str) -> Response:
        """With the platforms on which it is in force."""
        project = self.project(slug)
        found = get_object_or_404(layouts_in(project), msr=_storable(msr))
        in_force = [platform.name for platform in platforms_in(project).filter(layout=found)]
        return Response(documents.layout_document(found, project.slug) | {"in_force_on": in_force})


class Guests(View):
    query_serializer = GuestsQuery

    def get(self, request: Request, slug: str) -> Response:
        """By name. `next` and `previous` lead on; null at the ends."""
        project, query = self.project(slug), self.query()
        standing = standing_of(project)
        alike = standing.alike(verdict=query["verdict"]) if query["verdict"] else None
        which = GuestFilter(
            name=query["name"], platform=_known(project, query["platform"]), state=query["state"], alike=alike
        )
        keys = {name: query[name] for name in ("after", "before") if name in query}
        page = guest_page(project, which, limit=query["limit"], **keys)
        return Response(
            {
                "results": [documents.guest_document(guest, project.slug, standing) for guest in page.guests],
                "next": _turn(request, "after", page.guests[-1].pk) if page.has_next else None,
                "previous": _turn(request, "before", page.guests[0].pk) if page.has_previous else None,
            }
        )


def _turn(request: Request, name: str, key: int) -> str:
    query = request.query_params.copy()
    query.pop("after", None)
    query.pop("before", None)
    query[name] = str(key)
    return request.build_absolute_uri(f"{request.path}?{query.urlencode()}")


def _known(project: Project, name: str) -> str:
    """A platform that a filter names. 400 where it is none."""
    if name and not platforms_in(project).filter(name=name).exists():
        raise serializers.ValidationError({"platform": [f"There is no platform {name!r} in service."]})
    return name


class GuestClasses(View):
    query_serializer = ClassesQuery

    def get(self, request: Request, slug: str) -> Response:
        """Guests in service by class: those of a class encode and need the same on a platform. Worst first."""
        project = self.project(slug)
        standing, name = standing_of(project), _known(project, self.query()["platform"])
        rows = standing.classes_on(name) if name else standing.classes
        return Response({"results": [documents.class_document(row) for row in rows]} | _limits(standing))


def _limits(standing: Standing) -> dict[str, Any]:
    """What the classes leave out."""
    return {"not_judged": standing.left_out, "unreadable": standing.unread, "problem": standing.problem or None}


class GuestView(View):
    def guest(self, slug: str, pk: int) -> tuple[Project, Guest]:
        project = self.project(slug)
        found = get_object_or_404(all_guests_in(project), pk=pk)
        found.project = project
        return project, found

    def document(self, project: Project, found: Guest) -> dict[str, Any]:
        document = documents.guest_document(found, project.slug, standing_of(project))
        try:
            facts = engine.account(found.facts)["facts"]
        except (AttributeError, LookupError, TypeError, ValueError):
            facts = None
        return document | {"facts": facts}


class GuestDetail(GuestView):
    def get(self, request: Request, slug: str, pk: int) -> Response:
        """With its facts, each with its origin; `facts` is null where they cannot be read."""
        return Response(self.document(*self.guest(slug, pk)))


class GuestRetirement(GuestView):
    def put(self, request: Request, slug: str, pk: int) -> Response:
        """Retire. 409 when it is already."""
        _, found = self.guest(slug, pk)
        reason = self.sent(ReasonIn)["reason"]
        retirement.retire(found, reason=reason, by=self.principal)
        return Response(self.document(*self.guest(slug, pk)))

    def delete(self, request: Request, slug: str, pk: int) -> Response:
        """Restore; a reason may come along. 409 when it is in service."""
        _, found = self.guest(slug, pk)
        reason = self.sent(OptionalReasonIn)["reason"]
        retirement.restore(found, reason=reason, by=self.principal)
        return Response(self.document(*self.guest(slug, pk)))


def _storable(text: str) -> str:
    """What an address names, where a database may look for it; else a name that nothing has."""
    return "" if "\0" in text else text
