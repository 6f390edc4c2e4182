"""The start page: what waits for the one who asks."""

from collections import Counter
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from patreview.projects.queries import projects_to_submit_to, visible_projects
from patreview.reviews.attention import queue_of
from patreview.submissions.queries import listed_submissions
from patreview.web.errors import only
from patreview.web.visitor import frame, principal_of

SHOWN = 8


@only("GET")
def home(request: HttpRequest) -> HttpResponse:
    """Your turn; for one who is not logged in, what this is."""
    principal = principal_of(request)
    waiting: list[Any] = queue_of(principal, at_most=SHOWN) if request.user.is_authenticated else []
    projects = list(visible_projects(principal))
    context = frame(request, None, "home", "/api/v1/projects") | {
        "projects": projects,
        "submit_to": projects_to_submit_to(principal).first(),
        "waiting": waiting,
        "recent": list(listed_submissions(principal)[:SHOWN]),
        "first_words": _ACTS[waiting[0].act][1] if waiting else "",
        "standing": _standing(waiting),
        "demo": settings.PATREVIEW_DEMO,
    }
    return render(request, "projects/home.html", context)


def _standing(waiting: list[Any]) -> str:
    """What waits, in a sentence: "2 to vote on, 1 to mend."."""
    counts = Counter(one.act for one in waiting)
    said = [f"{counts[act]} {words}" for act, (words, _) in _ACTS.items() if counts[act]]
    return f"{', '.join(said)}." if said else "Nothing waits for you."


# An act of a queue: what the sentence says of it, what the first button says before the submission's number.
_ACTS = {
    "Vote": ("to vote on", "Vote on"),
    "Adopt": ("to adopt", "Adopt"),
    "Decide": ("to decide", "Decide on a waiver of"),
    "Answer": ("to answer", "Answer in"),
    "Mend": ("to mend", "Mend"),
    "Run again": ("to run again", "Run again"),
    "Look": ("about to expire", "Look at"),
}
