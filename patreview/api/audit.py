"""A project's journal: whole entries with their hashes, for whoever may read it."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from patreview.analyses.listing import page_of
from patreview.api.serializers import NumberedQuery
from patreview.api.views import View, neighbours
from patreview.journal.queries import ACTION, Wanted, document_of, entries_of, head_of
from patreview.projects.queries import project_of_journal


class Day(serializers.DateField):
    """A day in ASCII digits."""

    def to_internal_value(self, value: Any) -> Any:
        if isinstance(value, str) and not value.isascii():
            self.fail("invalid", format="YYYY-MM-DD")
        return super().to_internal_value(value)


class AuditQuery(NumberedQuery):
    """The query of a journal. Days are of UTC, both included."""

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
        return super().validate(attrs)


class Audit(View):
    query_serializer = AuditQuery

    def get(self, request: Request, slug: str) -> Response:
        """Newest first; `head` is where the chain ends now, `next` and `previous` lead to the pages on either side."""
        project, query = project_of_journal(self.principal, slug), self.query()
        wanted = Wanted(query["actor"], query["action"], query["object"], query["from"], query["to"])
        key = {name: query[name] for name in ("before", "after", "limit") if name in query}
        page = page_of(entries_of(project.pk, wanted), "seq", **key)
        head = head_of(project.pk)
        found = {"head": {"seq": head.seq, "hash": head.hash}, "results": [document_of(entry) for entry in page.rows]}
        return Response(found | neighbours(request, page, [entry.seq for entry in page.rows]))
