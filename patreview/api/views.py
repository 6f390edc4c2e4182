"""REST v1. A view fetches through a query that knows the principal, calls one service, and answers."""

import re
from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.functional import cached_property
from django.views.decorators.csrf import csrf_exempt
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from patreview import engine
from patreview.analyses.listing import Page, submission_page
from patreview.analyses.queries import (
    Run,
    last_isolation,
    polled_runs,
    report_of,
    report_text,
    runs_of,
    visible_runs,
)
from patreview.analyses.services import submit
from patreview.api import documents, problems
from patreview.api.etags import is_known
from patreview.api.people_serializers import ProjectChange, ProjectIn
from patreview.api.serializers import ListQuery, NoQuery, SubmissionIn, TitleIn, WaitQuery
from patreview.api.uploads import joined, read_body
from patreview.api.waiting import wait_for
from patreview.catalogue.queries import catalogue_version, guests_in, layouts_in, platforms_in
from patreview.projects.errors import Conflict, NotFound
from patreview.projects.principal import Principal
from patreview.projects.queries import (
    Project,
    Role,
    reachable_projects,
    require,
    require_admin,
    require_in_person,
    role_in,
    visible_projects,
)
from patreview.projects.services import change_project, found_project
from patreview.reviews.gate import gate_of
from patreview.reviews.services import retitle
from patreview.submissions.queries import Revision, revisions_of, visible_submissions
from patreview.submissions.services import Proposal, read_proposal

PREFER_WAIT = re.compile(r"(?:^|[,;\s])wait=(\d{1,4})(?:$|[,;\s])")
WAIT_MAX_S = 30
EMBEDDED_MAX = 200  # of each kind in the answer on a project


class View(APIView):
    """`principal` is the token's or the session's; `query` the checked query string."""

    query_serializer: Any = NoQuery

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        self.query()

    @property
    def principal(self) -> Principal:
        principal: Principal = self.request._request.principal  # type: ignore[attr-defined]
        return principal

    def query(self) -> dict[str, Any]:
        return self._query

    @cached_property
    def _query(self) -> dict[str, Any]:
        serializer = self.query_serializer(data=self.request.query_params.dict())
        serializer.is_valid(raise_exception=True)
        valid: dict[str, Any] = serializer.validated_data
        return valid

    def sent(self, serializer: Any) -> dict[str, Any]:
        """The checked body of the request."""
        reader = serializer(data=self.request.data)
        reader.is_valid(raise_exception=True)
        valid: dict[str, Any] = reader.validated_data
        return valid

    def project(self, slug: str) -> Project:
        return get_object_or_404(visible_projects(self.principal), slug=slug)


@csrf_exempt
def unknown(request: HttpRequest) -> HttpResponse:
    """Every other address below the root, by any method."""
    return problems.not_found(request, LookupError())


class Whoami(View):
    def get(self, request: Request) -> Response:
        token = self.principal.token
        known = {"name": token.name, "project": token.project.slug, "scopes": token.scopes} if token else None
        return Response({"user": self.principal.name, "token": known})


class Engine(View):
    """Version, rules and known layouts of the engine that answers here."""

    def get(self, request: Request) -> Response:
        version: dict[str, Any] = {"version": engine.ENGINE_VERSION, "rules_digest": engine.rules_digest()}
        version |= {"formats": engine.formats(), "image_reader": last_isolation()}
        return Response(version | {"rules": engine.rules(), "layouts": engine.known_layouts()})


class Projects(View):
    def get(self, request: Request) -> Response:
        return Response(
            {"results": [documents.project_document(project) for project in visible_projects(self.principal)]}
        )

    def post(self, request: Request) -> Response:
        """A new project, by an administrator of the site."""
        require_admin(self.principal)
        serializer = ProjectIn(data=request.data)
        serializer.is_valid(raise_exception=True)
        document = documents.project_document(found_project(by=self.principal, **serializer.validated_data))
        return Response(document, status=201, headers={"Location": document["url"]})


class ProjectDetail(View):
    def get(self, request: Request, slug: str) -> Response:
        """With the first of its platforms, layouts and guests in service; their own lists have all of them."""
        project = self.project(slug)
        guests, layouts = guests_in(project), layouts_in(project)
        return Response(
            documents.project_document(project)
            | {
                "role": role_in(self.principal, project),
                "catalogue_version": catalogue_version(project.pk),
                "platforms": [documents.platform_row(platform) for platform in platforms_in(project)[:EMBEDDED_MAX]],
                "layouts": [{"name": layout.name, "msr": layout.msr} for layout in layouts[:EMBEDDED_MAX]],
                "layout_count": layouts.count(),
                "guests": [documents.guest_row(guest) for guest in guests[:EMBEDDED_MAX]],
                "guest_count": guests.count(),
            }
        )

    def patch(self, request: Request, slug: str) -> Response:
        """Other settings, by a maintainer in person; what is not named stays."""
        project = get_object_or_404(reachable_projects(self.principal), slug=slug)
        require_in_person(self.principal, project, Role.MAINTAINER)
        serializer = ProjectChange(data=request.data)
        serializer.is_valid(raise_exception=True)
        changed = change_project(project, by=self.principal, **serializer.validated_data)
        return Response(documents.project_document(changed))


class Submissions(View):
    query_serializer = ListQuery

    def get(self, request: Request, slug: str) -> Response:
        """Newest first; `next` leads to older ones and `previous` to newer, null where there are none."""
        chosen = dict(self.query())
        key = {name: chosen.pop(name, None) for name in ("before", "after", "limit")}
        project = visible_projects(self.principal).filter(slug=slug)
        page = submission_page(project, chosen, reader=self.principal.user.pk, **key)
        if not page.rows:
            self.project(slug)  # which is empty, or not there for this principal
        rows = [documents.submission_row(row, slug) for row in page.rows]
        return Response({"results": rows} | neighbours(request, page, [row.pk for row in page.rows]))

    def post(self, request: Request, slug: str) -> Response:
        """A pipeline's one call: 202 with the run to wait for; 200 when `Prefer: wait` saw it finish."""
        project = self.project(slug)
        submitted = submit(project, _proposal(request, project), by=self.principal)
        wait_s = _preferred_wait_s(request)
        run = wait_for(submitted.run, wait_s)
        if wait_s:  # one who was removed meanwhile is told no verdict
            require(self.principal, project, Role.SUBMITTER, scope="submit")
        answer = documents.submission_document(submitted.submission) | {
            "revision": submitted.revision.number,
            "created": submitted.created,
            "run_state": run.state,
            "verdict": run.verdict or None,
            "run": documents.run_document(run),
            "gate": _gate(submitted.revision, run),
        }
        headers = {"Location": f"{documents.ROOT}/runs/{run.pk}"}
        if not run.is_finished:
            headers["Retry-After"] = "1"
        return Response(answer, status=200 if run.is_finished else 202, headers=headers)


def _proposal(request: Request, project: Project) -> Proposal:
    """The proposal of a request: its JSON, and the files inside it and beside it."""
    body, parts = read_body(request)
    serializer = SubmissionIn(data=body)
    serializer.is_valid(raise_exception=True)
    fields = dict(serializer.validated_data)
    fields["files"] = joined(fields["files"], parts)
    if "platform" in fields:
        fields["platform"] = _platform(project, fields["platform"])
    return Proposal(**fields)


def _platform(project: Project, name: str) -> Any:
    platform = platforms_in(project).filter(name=name).first()
    if platform is None:
        known = ", ".join(p.name for p in platforms_in(project)) or "none"
        message = f"There is no platform {name[:50]!r} in {project.slug}; known: {known}."
        raise engine.refusal(engine.problem("platform", message))
    return platform


class Preview(View):
    """What a proposal would be taken for. Nothing is stored, and images wait for a worker."""

    def post(self, request: Request, slug: str) -> Response:
        project = self.project(slug)
        require(self.principal, project, Role.SUBMITTER, scope="submit")
        read = read_proposal(_proposal(request, project), by=self.principal.name)
        return Response(documents.preview_document(read))


def _gate(revision: Revision, run: Run | None) -> dict[str, Any]:
    return documents.gate_document(gate_of(revision, run, report_of(run) if run else None))


class SubmissionDetail(View):
    def get(self, request: Request, pk: int) -> Response:
        submission = get_object_or_404(visible_submissions(self.principal), pk=pk)
        revision = submission.current
        if revision is None:
            raise NotFound("not_found", "There is no such submission.")
        runs = list(runs_of(revision).select_related("revision"))
        run = runs[0] if runs else None
        return Response(
            documents.submission_document(submission)
            | {
                "revisions": [documents.revision_document(row) for row in revisions_of(submission)],
                "runs": [documents.run_document(row) for row in runs],
                "gate": _gate(revision, run),
            }
        )

    def patch(self, request: Request, pk: int) -> Response:
        """Another title. What was proposed never changes."""
        submission = get_object_or_404(visible_submissions(self.principal), pk=pk)
        retitle(submission, self.sent(TitleIn)["title"], by=self.principal)
        return Response(documents.submission_document(get_object_or_404(visible_submissions(self.principal), pk=pk)))


class RunDetail(View):
    query_serializer = WaitQuery

    def get(self, request: Request, pk: int) -> Response:
        """`?wait=N` answers when the run is finished, after N seconds at most."""
        wait_s = self.query()["wait"]
        run = wait_for(get_object_or_404(polled_runs(self.principal), pk=pk), wait_s)
        if wait_s:  # one who was removed meanwhile is told no verdict
            run = get_object_or_404(polled_runs(self.principal), pk=pk)
        headers = {} if run.is_finished else {"Retry-After": "1"}
        return Response(documents.run_document(run), headers=headers)


class RunReport(View):
    def get(self, request: Request, pk: int) -> HttpResponse:
        """The stored bytes, which `report_digest` covers. 409 while the run is not completed."""
        run = get_object_or_404(visible_runs(self.principal), pk=pk)
        etag = f'"{run.report_digest}"'
        if run.report_digest and is_known(request, etag):
            return HttpResponse(status=304, headers={"ETag": etag})
        require_report(run)
        return HttpResponse(report_text(run), content_type="application/json", headers={"ETag": etag})


def require_report(run: Run) -> None:
    """Raises Conflict while there is none: an empty answer would look like a good one."""
    if not run.report_digest:
        raise Conflict("no_report", f"The run is {run.state}: it has no report.")


def _preferred_wait_s(request: Request) -> int:
    match = PREFER_WAIT.search(request.headers.get("Prefer", ""))
    return min(int(match[1]), WAIT_MAX_S) if match else 0


def neighbours(request: Request, page: Page[Any], keys: Sequence[Any]) -> dict[str, str | None]:
    """Links to the pages on either side, by the keys of the rows of this one."""
    older = request.build_absolute_uri(with_query(request, before=keys[-1])) if page.older and keys else None
    newer = request.build_absolute_uri(with_query(request, after=keys[0])) if page.newer and keys else None
    return {"next": older, "previous": newer}


def with_query(request: Request, **changes: Any) -> str:
    """The address of the request with another key of its page."""
    query = request.query_params.copy()
    for name in ("before", "after"):
        query.pop(name, None)
    for name, value in changes.items():
        query[name] = str(value)
    return f"{request.path}?{query.urlencode()}"
