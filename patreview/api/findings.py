"""Findings by REST: of a run, and those that stand in a project."""

from collections.abc import Sequence
from typing import Any

from django.shortcuts import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response

from patreview.analyses.finding_listing import findings_page, standing_findings
from patreview.analyses.queries import Finding, visible_runs
from patreview.api import documents
from patreview.api.review_documents import waived_document
from patreview.api.serializers import RunFindingsQuery, StandingFindingsQuery
from patreview.api.views import View, neighbours, require_report, with_query
from patreview.reviews.queries import waived_by


class RunFindings(View):
    query_serializer = RunFindingsQuery

    def get(self, request: Request, pk: int) -> Response:
        """Worst first, without their derivation, which the report has. 409 while the run is not completed."""
        run = get_object_or_404(visible_runs(self.principal), pk=pk)
        require_report(run)
        chosen = dict(self.query())
        key = {name: chosen.pop(name, None) for name in ("after", "limit")}
        page = findings_page(run, chosen, **key)
        following = with_query(request, after=page.rows[-1].position) if page.older else None
        rows = _documents(run.revision.submission.project_id, page.rows)
        return Response({"results": rows, "next": following and request.build_absolute_uri(following)})


class ProjectFindings(View):
    query_serializer = StandingFindingsQuery

    def get(self, request: Request, slug: str) -> Response:
        """Those of the last completed run of the current revision of each open submission."""
        chosen = dict(self.query())
        key = {name: chosen.pop(name, None) for name in ("before", "after", "limit")}
        project = self.project(slug)
        page = standing_findings(project, chosen, **key)
        rows = _documents(project.pk, [one.finding for one in page.rows])
        for row, one in zip(rows, page.rows, strict=True):
            row |= {"run": one.finding.run_id, "submission": one.submission_id, "revision": one.revision}
        return Response({"results": rows} | neighbours(request, page, [one.place for one in page.rows]))


def _documents(project_id: int, findings: Sequence[Finding]) -> list[dict[str, Any]]:
    waived = waived_by(project_id, list(findings))
    return [documents.finding_document(one, waived_document(waived.get(one.pk))) for one in findings]
