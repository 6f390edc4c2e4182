"""The submissions of a project: filters are addresses, pages go by key."""

from functools import lru_cache

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString

from patreview import engine
from patreview.analyses.listing import SubmissionRow, submission_page
from patreview.reviews.tallies import Tally, tallies_of, turn_of
from patreview.submissions.queries import KINDS, STATES
from patreview.web.errors import only
from patreview.web.list_address import Address, Filter, Key, control, read_address, read_number
from patreview.web.templatetags import marks
from patreview.web.visitor import frame, project_or_404

FILTERS = (
    Filter("state", STATES),
    Filter("kind", KINDS),
    Filter("verdict", engine.VERDICTS),
    Filter("owner", longest=150),
    Filter("platform", longest=50),
    Filter("mine", ("1",)),
    Filter("stale", ("1",)),
)
KEY = Key("the number of a submission", read_number)
VIEWS: tuple[tuple[str, dict[str, str]], ...] = (
    ("All", {}),
    ("Open", {"state": "open"}),
    ("Mine", {"mine": "1"}),
    ("Layouts", {"kind": "layout"}),
    ("Guests", {"kind": "guest"}),
    ("Incompatible", {"state": "open", "verdict": "incompatible"}),
    ("Stale", {"stale": "1"}),
    ("Adopted", {"state": "adopted"}),
)


# One row. Not a template: of a page of a hundred rows, Django's would take most of the time. What people wrote is
# escaped by _row(); all else is words of ours.
_ROW = (
    '<tr{mine}><td class="num" data-label="number">{number}</td>'
    '<th scope="row"><a class="title" href="/s/{number}/">{title}</a><span class="sub">{about}</span>{strip}</th>'
    '<td data-label="verdict">{standing}</td><td data-label="votes">{votes}</td>'
    '<td class="num" data-label="open threads">{threads}</td><td data-label="turn">{turn}</td>'
    '<td data-label="state">{state}</td><td data-label="owner">{owner}</td>'
    '<td class="num nowrap" data-label="submitted">{age}</td></tr>\n'
)


@only("GET")
def submissions(request: HttpRequest, slug: str) -> HttpResponse:
    """A page of the list, newest first."""
    project = project_or_404(request, slug)
    address = read_address(request, FILTERS, KEY)
    page = submission_page(project, address.chosen, reader=request.user.pk, **address.key)
    tallies, needed = tallies_of(page.rows), project.required_approvals
    here = reverse("web:submissions", args=[project.slug])
    api_path = address.leading(f"/api/v1/projects/{project.slug}/submissions")
    context = frame(request, project, "submissions", api_path) | {
        "rows": [_row(row, tallies.get(row.pk, Tally()), needed, request.user.pk) for row in page.rows],
        "pages": address.neighbours(here, page, [row.pk for row in page.rows]),
        "filtered": bool(request.GET),
        "filters": [control(one, address.chosen.get(one.name, "")) for one in FILTERS],
        "views": [
            {"label": label, "href": Address(view).leading(here), "here": view == address.chosen}
            for label, view in VIEWS
            if "mine" not in view or request.user.is_authenticated
        ],
    }
    return render(request, "submissions/list.html", context)


def _row(row: SubmissionRow, tally: Tally, needed: int, reader: int | None) -> SafeString:
    """A row of the table, as its HTML."""
    is_mine = row.owner_id == reader
    turn = turn_of(row, tally, needed=needed)
    row_html = _ROW.format(
        mine=' class="mine"' if is_mine else "",
        number=row.pk,
        title=escape(row.title),
        about=f"{row.kind}, r{row.revision}{f', for {_name(row.platform)}' if row.platform else ''}",
        strip=_strip(row.proposed_msr),
        standing=_standing(row.verdict, row.run_state, row.is_stale and row.state == "open"),
        votes=_votes(tally, needed) if row.state == "open" or tally.approvals or tally.objections else "",
        threads=tally.threads or "",
        turn="you" if turn == "owner" and is_mine else turn,
        state=row.state,
        owner=_name(row.owner),
        age=marks.age(row.created_at),
    )
    return SafeString(row_html)


@lru_cache(maxsize=4096)
def _name(name: str) -> SafeString:
    """A name that many rows show, escaped once."""
    return escape(name)


@lru_cache(maxsize=4096)
def _strip(msr: str) -> SafeString:
    """The proposed layout as eight cells; nothing for a guest. A project has few layouts and lists them often."""
    return marks.strip(engine.check_layout(msr)["entries"], "Proposed layout") if msr else SafeString("")


@lru_cache
def _standing(verdict: str, run_state: str, is_stale: bool) -> SafeString:
    """The verdict, or how far the run is."""
    if verdict:
        mark = marks.verdict(verdict, chip=True)
    elif run_state:
        mark = marks.run_state(run_state)
    else:
        mark = format_html('<span class="tag">{}</span>', "not run")
    return format_html('{} <span class="tag">stale</span>', mark) if is_stale else mark


@lru_cache(maxsize=1024)
def _votes(tally: Tally, needed: int) -> SafeString:
    """Approvals of those needed, and objections."""
    told = format_html("{}&nbsp;of&nbsp;{}", tally.approvals, needed)
    if tally.approvals >= needed:
        told = format_html("{} {}", marks.icon("g-ok"), told)
    if not tally.objections:
        return told
    word = "objection" if tally.objections == 1 else "objections"
    return format_html('{} <span class="sub">{} {} {}</span>', told, marks.icon("g-no"), tally.objections, word)
