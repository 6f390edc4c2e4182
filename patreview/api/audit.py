"""A project's journal: whole entries with their hashes, for whoever may read it."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from patreview.api.serializers import Digits, Strict
from patreview.api.views import View
from patreview.journal.queries import ACTION, Wanted, document_of, entries_of, head_of
from patreview.projects.queries import project_of_journal


class Day(serializers.DateField):
    """A day in ASCII digits."""

    def to_internal_value(self, value: Any) -> Any:
        if isinstance(value, str) and not value.isascii():
            self.fail("invalid", format="YYYY-MM-DD")
        return super().to_internal_value(value)


class AuditQuery(Strict):
    """The query of a journal. Days are of UTC, both included."""

    before = Digits(min_value=1, max_value=2**63 - 1, required=False)
    limit = Digits(min_value=1, max_value=200, default=50)
    actor = serializers.CharField(max_length=200, default="")
    action = serializers.RegexField(rf"\A{ACTION}\Z", default="")
    object = serializers.CharField(max_length=200, default="")
    to = Day(default=None)

    def get_fields(self) -> Any:
        """`from` is no name in Python."""
        return super().get_fields() | {"from": Day(default=None)}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["from"] and attrs["to"] and attrs["to"] < attrs["from"]:
            raise serializers.ValidationError({"to": ["The last day comes before the first."]})
        return attrs


class Audit(View):
    query_serializer = AuditQuery

    def get(self, request: Request, slug: str) -> Response:
        """Newest first; `head` is where the chain ends now, `next` leads to the following page."""
        project, query = project_of_journal(self.principal, slug), self.query()
        wanted = Wanted(query["actor"], query["action"], query["object"], query["from"], query["to"])
        found = entries_of(project.pk, wanted)
        if "before" in query:
            found = found.filter(seq__lt=query["before"])
        page = list(found[: query["limit"] + 1])
        more, page = len(page) > query["limit"], page[: query["limit"]]
        head = head_of(project.pk)
        return Response(
            {
                "head": {"seq": head.seq, "hash": head.hash},
                "results": [document_of(entry) for entry in page],
                "next": _before(request, page[-1].seq) if more else None,
            }
        )


def _before(request: Request, seq: int) -> str:
    query = request.query_params.copy()
    query["before"] = str(seq)
    return request.build_absolute_uri(f"{request.path}?{query.urlencode()}")
