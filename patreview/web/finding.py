"""The page of one finding: how it follows, what people say of it, its waivers, and where it was found before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from patreview.analyses.queries import last_run, report_of, sightings_of
from patreview.projects.queries import Role
from patreview.web import report_page, review_page
from patreview.web.errors import only
from patreview.web.templatetags.marks import verdict_word
from patreview.web.visitor import frame, principal_of, submission_or_404

if TYPE_CHECKING:
    from patreview.analyses.queries import Finding
    from patreview.submissions.queries import Submission

Json = dict[str, Any]
SEEN_MAX = 20


@only("GET")
def finding(request: HttpRequest, pk: int, fingerprint: str) -> HttpResponse:
    """A finding of the last report; of an earlier one, where the last has it no more."""
    submission = submission_or_404(request, pk)
    revision = submission.current
    if revision is None:
        raise Http404
    revision.submission = submission
    sightings = list(sightings_of(principal_of(request), submission.project, fingerprint)[:SEEN_MAX])
    run = last_run(revision)
    report = report_of(run) if run and run.state == "completed" else None
    page = _page(request, submission) | {"run": run, "report": report, "revision": revision}
    page |= report_page.context(report) if report else {}
    page |= review_page.context(principal_of(request), revision, page)
    page["finding"] = _found(page, submission, sightings, fingerprint)
    page["thread"] = next((row for row in page["threads"] if row["it"].key == fingerprint), None)
    page["waivers"] = [row for row in page["waivers"] if row["it"].fingerprint == fingerprint]
    page |= {"sightings": sightings, "word": verdict_word(page["finding"]["verdict"])}
    return render(request, "analyses/finding.html", page)


def _page(request: HttpRequest, submission: Submission) -> Json:
    around = frame(request, submission.project, "submissions", f"/api/v1/submissions/{submission.pk}")
    return around | {
        "submission": submission,
        "is_current": True,
        "is_open": submission.state == "open",
        "running": submission.run_state in ("queued", "running"),
        "may_rerun": False,
        "may_revise": submission.state == "open" and submission.owner_id == request.user.pk,
        "contributed": submission.owner_id == request.user.pk,
        "may_waive": around["role"] is not None and around["role"].covers(Role.SUBMITTER),
    }


def _found(page: Json, submission: Submission, sightings: list[Finding], fingerprint: str) -> Json:
    """The finding as the page draws it, and whether the last report has it."""
    here = next((one for one in page.get("findings", []) if one["fingerprint"] == fingerprint), None)
    if here is not None:
        known: Json = here
        return known | {"gone": False}
    earlier = next((one for one in sightings if one.run.revision.submission_id == submission.pk), None)
    report = report_of(earlier.run) if earlier else None
    drawn = report_page.context(report)["findings"] if report else []
    then: Json | None = next((one for one in drawn if one["fingerprint"] == fingerprint), None)
    if then is None:
        raise Http404
    return then | {"gone": True, "waiver": None, "waivable": False}
