"""The page of a submission: its report while and after it is computed, its review, its history."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from patreview.analyses.queries import last_run, report_of, runs_of
from patreview.projects.queries import Role
from patreview.submissions.queries import artifacts_of, revisions_of
from patreview.web import facts, report_page, review_page
from patreview.web.errors import only
from patreview.web.templatetags.marks import verdict_word
from patreview.web.visitor import frame, principal_of, submission_or_404

if TYPE_CHECKING:
    from patreview.projects.errors import Refused
    from patreview.submissions.queries import Revision, Submission

Json = dict[str, Any]
UNDER_WAY = ("queued", "running")


@only("GET")
def submission(request: HttpRequest, pk: int) -> HttpResponse:
    """The current revision."""
    return submission_page(request, submission_or_404(request, pk))


@only("GET")
def revision(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """Any revision, marked when it is superseded."""
    found = submission_or_404(request, pk)
    shown = revisions_of(found).filter(number=number).first()
    if shown is None:
        raise Http404
    return submission_page(request, found, revision=shown)


@only("GET")
def progress(request: HttpRequest, pk: int) -> HttpResponse:
    """What a waiting page asks each second: nothing new, a new state, or the finished page in its place."""
    found = submission_or_404(request, pk)
    if request.headers.get("HX-Request") != "true":
        return redirect("web:submission", pk)
    run = last_run(found.current) if found.current else None
    if run is not None and run.state in UNDER_WAY:
        if request.GET.get("seen") == run.state:
            return HttpResponse(status=204)
        context = {"submission": found, "revision": found.current, "run": run}
        return render(request, "analyses/_progress.html", context)
    response = submission_page(request, found, finished=True)
    # The answer is a whole page: htmx takes its title, its announcement and its main part.
    response["HX-Retarget"], response["HX-Reselect"], response["HX-Reswap"] = "#main", "#main", "outerHTML"
    return response


def submission_page(
    request: HttpRequest,
    found: Submission,
    *,
    revision: Revision | None = None,
    refusal: Refused | None = None,
    typed: dict[str, str] | None = None,
    finished: bool = False,
    status: int = 200,
) -> HttpResponse:
    """The whole page; `refusal` is what a service answered to what was `typed`."""
    shown = revision or found.current
    if shown is None:
        raise Http404
    shown.submission = found
    context = _header(request, found, shown) | {"refusal": refusal, "typed": typed or {}}
    context |= report_page.context(context["report"]) if context["report"] else {}
    context |= facts.context(shown, list(artifacts_of(shown)))
    context |= review_page.context(principal_of(request), shown, context)
    if finished:
        context["announce"] = _announcement(context)
    return render(request, "submissions/submission.html", context, status=status)


def _header(request: HttpRequest, found: Submission, shown: Revision) -> Json:
    runs = list(runs_of(shown))
    run = runs[0] if runs else None
    running = run is not None and run.state in UNDER_WAY
    report = report_of(run) if run and run.state == "completed" else None
    api_path = f"/api/v1/runs/{run.pk}/report" if run and report else f"/api/v1/submissions/{found.pk}"
    around = frame(request, found.project, "submissions", api_path)
    is_current = found.current_id == shown.pk
    is_open = found.state == "open" and is_current
    owns = found.owner_id == request.user.pk or around["role"] == Role.MAINTAINER
    return around | {
        "submission": found,
        "revision": shown,
        "revisions": list(revisions_of(found).defer("content")),
        "is_current": is_current,
        "is_open": is_open,
        "runs": runs,
        "run": run,
        "running": running,
        "report": report,
        "word": verdict_word(report["verdict"]) if report else "",
        "contributed": request.user.pk in (found.owner_id, shown.created_by_id),
        "may_revise": is_open and owns and around["may_submit"],
        "may_retitle": is_open and owns and around["may_submit"],
        "may_withdraw": is_open and owns and around["may_submit"],
        "may_reopen": found.state == "withdrawn" and is_current and owns and around["may_submit"],
        "may_rerun": is_open and around["may_submit"] and not running,
        "may_cancel": is_open and owns and around["may_submit"] and running,
    }


def _announcement(context: Json) -> str:
    report = context["report"]
    return f"Report ready: {context['word']}. {report['sentence']}" if report else "The run ended without a report."
