"""The review by REST: votes, threads, waivers, decisions. Each calls the service that the browser calls."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.http import parse_etags
from rest_framework.request import Request
from rest_framework.response import Response

from patreview.analyses.listing import page_of
from patreview.analyses.queries import last_run, report_of, runs_of, visible_runs
from patreview.analyses.services import cancel_run, request_run
from patreview.api import documents, problems
from patreview.api import serializers as into
from patreview.api.review_documents import (
    comment_document,
    thread_document,
    turn_document,
    vote_document,
    waiver_document,
)
from patreview.api.views import View, neighbours
from patreview.projects.errors import Conflict, NotFound
from patreview.reviews import discussion, services
from patreview.reviews.attention import turns
from patreview.reviews.gate import Review, conclude, review_of
from patreview.reviews.queries import (
    threads_on,
    today,
    visible_comments,
    visible_threads,
    visible_votes,
    visible_waivers,
)
from patreview.reviews.waivers import decide_waiver, propose_waiver, revoke_waiver
from patreview.submissions.queries import Revision, Submission, visible_submissions

#: What the service says when the revision that was looked at is not the current one.
_OTHER_REVISION = {"stale", "outdated"}


class NotAsSeen(Exception):
    """412 or 428: If-Match is missing, or names another revision than the current one."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


class ReviewView(View):
    """A view of one submission, or of what belongs to it."""

    def submission(self, pk: int) -> tuple[Submission, Revision]:
        submission = get_object_or_404(visible_submissions(self.principal), pk=pk)
        if submission.current is None:
            raise NotFound("not_found", "There is no such submission.")
        submission.current.submission = submission
        return submission, submission.current

    def looked_at(self, revision: Revision) -> str:
        """The digest that If-Match names. Raises NotAsSeen where it is missing or of another revision."""
        tags = parse_etags(self.request.headers.get("If-Match", ""))
        if not tags:
            raise NotAsSeen(428, "if_match_required", 'Send If-Match: "DIGEST", the digest of the revision you read.')
        if f'"{revision.digest}"' not in tags:
            raise NotAsSeen(412, "other_revision", f"The current revision is {revision}, {revision.digest}; read it.")
        return revision.digest

    def handle_exception(self, exc: Exception) -> Any:
        if isinstance(exc, NotAsSeen):
            return problems.problem(exc.status, exc.code, str(exc))
        if isinstance(exc, Conflict) and exc.code in _OTHER_REVISION:
            return problems.problem(412, exc.code, exc.message)
        return super().handle_exception(exc)


def _review(revision: Revision) -> Review:
    run = last_run(revision)
    return review_of(revision, run, report_of(run) if run else None)


class GateDetail(ReviewView):
    def get(self, request: Request, pk: int) -> Response:
        """Both conclusions with their conditions, the votes, and whose turn it is. Computed now, never stored."""
        _, revision = self.submission(pk)
        review = _review(revision)
        gate = conclude(review)
        answer = {"submission": pk, "revision": revision.number, "digest": revision.digest}
        answer |= documents.gate_document(gate)
        answer |= {"votes": [vote_document(one) for one in review.votes]}
        answer |= {"turns": [turn_document(turn) for turn in turns(review, gate)]}
        return Response(answer)


class Votes(ReviewView):
    def get(self, request: Request, pk: int) -> Response:
        """The last vote of everybody, and what it is worth for the current revision."""
        _, revision = self.submission(pk)
        return Response({"results": [vote_document(one) for one in _review(revision).votes]})

    def post(self, request: Request, pk: int) -> Response:
        """Vote on the revision that If-Match names."""
        _, revision = self.submission(pk)
        digest = self.looked_at(revision)
        sent = self.sent(into.VoteIn)
        services.vote(revision, sent["value"], by=self.principal, body=sent["body"], digest=digest)
        own = [one for one in _review(revision).votes if one.vote.voter_id == self.principal.user.pk]
        return Response(vote_document(own[0]), status=201)


class VoteDetail(ReviewView):
    def delete(self, request: Request, pk: int, vote_id: int) -> HttpResponse:
        """Withdraw one's own vote."""
        services.withdraw_vote(self._vote(pk, vote_id), by=self.principal)
        return HttpResponse(status=204)

    def _vote(self, pk: int, vote_id: int) -> Any:
        return get_object_or_404(visible_votes(self.principal).filter(revision__submission__pk=pk), pk=vote_id)


class Dismissal(VoteDetail):
    http_method_names = ["put", "options"]

    def put(self, request: Request, pk: int, vote_id: int) -> HttpResponse:
        """Set a standing objection aside, for a reason."""
        services.dismiss_vote(self._vote(pk, vote_id), self.sent(into.ReasonIn)["reason"], by=self.principal)
        return HttpResponse(status=204)


class Adoption(ReviewView):
    def post(self, request: Request, pk: int) -> Response:
        """Adopt the revision that If-Match names, if its gate is satisfied."""
        _, revision = self.submission(pk)
        services.adopt(revision, by=self.principal, digest=self.looked_at(revision))
        return Response(documents.submission_document(self.submission(pk)[0]), status=201)


class Withdrawal(ReviewView):
    def put(self, request: Request, pk: int) -> Response:
        """Close the submission without adopting it."""
        submission, _ = self.submission(pk)
        services.withdraw(submission, by=self.principal, reason=self.sent(into.NoteIn)["reason"])
        return Response(documents.submission_document(self.submission(pk)[0]))

    def delete(self, request: Request, pk: int) -> Response:
        """Open it again."""
        services.reopen(self.submission(pk)[0], by=self.principal)
        return Response(documents.submission_document(self.submission(pk)[0]))


class Runs(ReviewView):
    def get(self, request: Request, pk: int) -> Response:
        """All attempts of the current revision, newest first."""
        _, revision = self.submission(pk)
        runs = runs_of(revision).select_related("revision")
        return Response({"results": [documents.run_document(run) for run in runs]})

    def post(self, request: Request, pk: int) -> Response:
        """Another attempt, for a reason."""
        _, revision = self.submission(pk)
        run = request_run(revision, by=self.principal, reason=self.sent(into.ReasonIn)["reason"])
        headers = {"Location": f"{documents.ROOT}/runs/{run.pk}", "Retry-After": "1"}
        return Response(documents.run_document(run), status=202, headers=headers)


class Cancellation(ReviewView):
    def put(self, request: Request, pk: int) -> Response:
        """Stop a run that is queued or under way."""
        run = get_object_or_404(visible_runs(self.principal), pk=pk)
        cancel_run(run, by=self.principal)
        run.refresh_from_db(fields=["state", "reason_text", "finished_at"])
        return Response(documents.run_document(run))


class Threads(ReviewView):
    def get(self, request: Request, pk: int) -> Response:
        """The discussion: threads with their comments."""
        submission, _ = self.submission(pk)
        found = threads_on(submission, self.principal)
        return Response({"results": [thread_document(thread, comments) for thread, comments in found]})

    def post(self, request: Request, pk: int) -> Response:
        """Begin a thread, or go on with the one about the same thing."""
        _, revision = self.submission(pk)
        sent = self.sent(into.ThreadIn)
        body = sent.pop("body")
        said = discussion.say(revision, body, by=self.principal, **sent)
        thread = get_object_or_404(visible_threads(self.principal), pk=said.thread_id)
        comments = list(visible_comments(self.principal).filter(thread=thread))
        return Response(thread_document(thread, comments), status=201)


class Comments(ReviewView):
    def post(self, request: Request, pk: int) -> Response:
        """Go on with a thread."""
        thread = get_object_or_404(visible_threads(self.principal), pk=pk)
        sent = self.sent(into.CommentIn)
        said = discussion.reply(thread, sent["body"], by=self.principal, asks=sent["asks"])
        return Response(comment_document(said), status=201)


class CommentDetail(ReviewView):
    def patch(self, request: Request, pk: int) -> Response:
        """Change an own comment within a quarter of an hour."""
        said = get_object_or_404(visible_comments(self.principal), pk=pk)
        discussion.edit(said, self.sent(into.BodyIn)["body"], by=self.principal)
        return Response(comment_document(get_object_or_404(visible_comments(self.principal), pk=pk)))


class Hiding(ReviewView):
    def put(self, request: Request, pk: int) -> HttpResponse:
        """Take a comment from the page; the journal keeps that it was there."""
        discussion.hide(get_object_or_404(visible_comments(self.principal), pk=pk), by=self.principal)
        return HttpResponse(status=204)


class Resolution(ReviewView):
    def put(self, request: Request, pk: int) -> HttpResponse:
        """Say how a thread ended."""
        thread = get_object_or_404(visible_threads(self.principal), pk=pk)
        discussion.resolve(thread, self.sent(into.ResolutionIn)["resolution"], by=self.principal)
        return HttpResponse(status=204)

    def delete(self, request: Request, pk: int) -> HttpResponse:
        """Open it again."""
        discussion.reopen_thread(get_object_or_404(visible_threads(self.principal), pk=pk), by=self.principal)
        return HttpResponse(status=204)


class SubmissionWaivers(ReviewView):
    def post(self, request: Request, pk: int) -> Response:
        """Propose a waiver of a finding of the last report."""
        _, revision = self.submission(pk)
        waiver = propose_waiver(revision, by=self.principal, **self.sent(into.WaiverIn))
        return Response(
            waiver_document(waiver, today()), status=201, headers={"Location": f"/api/v1/waivers/{waiver.pk}"}
        )


class ProjectWaivers(ReviewView):
    query_serializer = into.WaiverQuery

    def get(self, request: Request, slug: str) -> Response:
        """Newest first; `next` and `previous` lead to the pages on either side."""
        query = dict(self.query())
        state = {"state": query.pop("state")} if "state" in query else {}
        rows = visible_waivers(self.principal).filter(project=self.project(slug), **state)
        page = page_of(rows, "pk", **query)
        found = {"results": [waiver_document(row, today()) for row in page.rows]}
        return Response(found | neighbours(request, page, [row.pk for row in page.rows]))


class WaiverDetail(ReviewView):
    def get(self, request: Request, pk: int) -> Response:
        return Response(waiver_document(self._waiver(pk), today()))

    def _waiver(self, pk: int) -> Any:
        return get_object_or_404(visible_waivers(self.principal), pk=pk)


class WaiverDecision(WaiverDetail):
    http_method_names = ["put", "options"]

    def put(self, request: Request, pk: int) -> Response:
        """Accept or reject a proposed waiver."""
        sent = self.sent(into.DecisionIn)
        waiver = decide_waiver(
            self._waiver(pk), accept=sent["decision"] == "accept", note=sent["note"], by=self.principal
        )
        return Response(waiver_document(waiver, today()))


class WaiverRevocation(WaiverDetail):
    http_method_names = ["put", "options"]

    def put(self, request: Request, pk: int) -> Response:
        """End a waiver, or take back a proposal."""
        waiver = revoke_waiver(self._waiver(pk), self.sent(into.ReasonIn)["reason"], by=self.principal)
        return Response(waiver_document(waiver, today()))
