"""Two revisions or runs compared: the twin of the page `/compare/`."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from patreview.analyses.comparison import Side, compared, side_of
from patreview.api import documents
from patreview.api.serializers import CompareQuery
from patreview.api.views import View


class Compare(View):
    query_serializer = CompareQuery

    def get(self, request: Request) -> Response:
        """The difference of the inputs, and of the reports where both sides have one; `show` narrows the rows."""
        query = self.query()
        found = compared(side_of(query["a"], self.principal), side_of(query["b"], self.principal))
        results = found.results
        if results is not None and "show" in query:
            results = results | {"rows": [row for row in results["rows"] if row["class"] in query["show"]]}
        return Response(
            {
                "before": _side(found.before),
                "after": _side(found.after),
                "inputs": found.inputs,
                "results": results,
                "why_no_results": found.why_no_results or None,
            }
        )


def _side(side: Side) -> dict[str, Any]:
    revision = side.revision
    return {
        "reference": side.reference,
        "project": revision.submission.project.slug,
        "kind": revision.submission.kind,
        "title": revision.submission.title,
        "submission": revision.submission_id,
        "revision": revision.number,
        "digest": revision.digest,
        "run": documents.run_document(side.run) if side.run else None,
    }
