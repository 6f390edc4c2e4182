"""The floor that pages are measured against: the barest Django and DRF site over the same rows.

No middleware, no session, no permission. The lists show what the product's list shows of a submission, from the same
tables, with what is plainly sensible: joins instead of a query a row, no large column, DRF's own keyset pages. The
flat ones have as many columns, all in one table: they show what the joins are worth.
"""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from rest_framework import pagination, renderers, serializers, viewsets

from patreview.submissions.models import Submission
from tests.perf.models import Row

SHOWN = 100


class Pages(pagination.CursorPagination):
    page_size = SHOWN
    ordering = "-pk"


class SubmissionSerializer(serializers.ModelSerializer[Submission]):
    project = serializers.CharField(source="project.slug")
    platform = serializers.CharField(source="platform.name")
    owner = serializers.CharField(source="owner.username")
    revision = serializers.IntegerField(source="current.number")

    class Meta:
        model = Submission
        fields = (
            *(
                "id",
                "project",
                "kind",
                "title",
                "external_key",
                "platform",
                "proposed_msr",
                "owner",
                "state",
                "revision",
            ),
            *("run_state", "verdict", "created_at"),
        )


class RowSerializer(serializers.ModelSerializer[Row]):
    class Meta:
        model = Row
        fields = "__all__"


class Bare:
    authentication_classes = ()
    permission_classes = ()
    renderer_classes = (renderers.JSONRenderer,)
    pagination_class = Pages


class Submissions(Bare, viewsets.ModelViewSet[Submission]):
    queryset = Submission.objects.select_related("project", "platform", "owner", "current").defer("current__content")
    serializer_class = SubmissionSerializer


class Rows(Bare, viewsets.ModelViewSet[Row]):
    queryset = Row.objects.all()
    serializer_class = RowSerializer


def page(request: HttpRequest) -> HttpResponse:
    rows = Submissions.queryset.order_by("-pk")[:SHOWN]
    return render(request, "floor.html", {"rows": rows}, using="floor")


def flat_page(request: HttpRequest) -> HttpResponse:
    return render(request, "floor_flat.html", {"rows": Row.objects.order_by("-pk")[:SHOWN]}, using="floor")


urlpatterns = [
    path("submissions", Submissions.as_view({"get": "list"})),
    path("submissions/<int:pk>", Submissions.as_view({"get": "retrieve"})),
    path("page", page),
    path("flat", Rows.as_view({"get": "list"})),
    path("flat-page", flat_page),
]
