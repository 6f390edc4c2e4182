"""Waivers: the list of a project, and what people do with one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse

from patreview.analyses.listing import page_of
from patreview.projects.errors import Conflict, Forbidden, NotFound
from patreview.reviews.queries import EXPIRES_SOON, Waiver, today, visible_waivers, waivers_in_use
from patreview.reviews.waivers import decide_waiver, propose_waiver, revoke_waiver
from patreview.web.decisions import decide as decide_on_submission
from patreview.web.errors import BadAddress, only
from patreview.web.list_address import FIRST_PAGE, Address, Filter, Key, read_address, read_number
from patreview.web.visitor import frame, principal_of, project_or_404
from patreview.web.waiver_row import waiver_row

if TYPE_CHECKING:
    from patreview.projects.errors import Refused
    from patreview.submissions.queries import Revision

STATES = ("proposed", "active", "expiring", "expired", "unused", "rejected", "revoked")
FILTERS = (Filter("state", STATES),)
KEY = Key("the number of a waiver", read_number)
Json = dict[str, Any]


@only("POST")
def propose(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask for a waiver of a finding of the last report."""
    sent = request.POST
    typed = {name: sent.get(name, "") for name in ("fingerprint", "reason", "control", "expires_on")}

    def act(revision: Revision) -> object:
        return propose_waiver(
            revision,
            typed["fingerprint"],
            reason=typed["reason"],
            control=typed["control"],
            expires_on=typed["expires_on"],
            by=principal_of(request),
        )

    return decide_on_submission(request, pk, act, "waivers", "Proposed: a second person has to accept it.", typed)


@only("GET")
def waivers(request: HttpRequest, slug: str) -> HttpResponse:
    """The waivers of a project, newest first."""
    return waiver_list(request, slug)


def waiver_list(request: HttpRequest, slug: str, *, refusal: Refused | None = None, status: int = 200) -> HttpResponse:
    """The page; `refusal` is what a service answered."""
    project = project_or_404(request, slug)
    # A refusal answers to a form, whose address is no address of this list.
    address = read_address(request, FILTERS, KEY) if refusal is None else Address({}, FIRST_PAGE)
    state = address.chosen.get("state", "")
    used, day = waivers_in_use(project), today()
    found = _in_state(visible_waivers(principal_of(request)).filter(project=project), state, day, used)
    page = page_of(found, "pk", **address.key)
    here = reverse("web:waivers", args=[slug])
    around = frame(request, project, "waivers", f"/api/v1/projects/{slug}/waivers")
    context = around | {
        "waivers": [waiver_row(one, day, around["role"], request.user.pk, used) for one in page.rows],
        "pages": address.neighbours(here, page, [one.pk for one in page.rows]),
        "views": [{"label": "All", "href": here, "here": not state}]
        + [{"label": one.capitalize(), "href": f"{here}?state={one}", "here": one == state} for one in STATES],
        "refusal": refusal,
    }
    return render(request, "reviews/waivers.html", context, status=status)


def _in_state(found: Any, state: str, day: date, used: set[str]) -> Any:
    active = found.filter(state="active", expires_on__gte=day)
    chosen = {
        "": lambda: found,
        "active": lambda: active,
        "expiring": lambda: active.filter(expires_on__lte=day + EXPIRES_SOON),
        "expired": lambda: found.filter(state="active", expires_on__lt=day),
        "unused": lambda: active.exclude(fingerprint__in=used),
    }
    return chosen[state]() if state in chosen else found.filter(state=state)


@login_required
@only("POST")
def decide(request: HttpRequest, waiver_id: int) -> HttpResponse:
    """Accept or reject a proposed waiver."""
    answer, note = request.POST.get("decision", ""), request.POST.get("note", "")
    if answer not in ("accept", "reject"):
        raise BadAddress("decision is accept or reject.")

    def act(waiver: Waiver) -> object:
        return decide_waiver(waiver, accept=answer == "accept", note=note, by=principal_of(request))

    return _act(request, waiver_id, act, "The waiver is accepted." if answer == "accept" else "The waiver is rejected.")


@login_required
@only("POST")
def revoke(request: HttpRequest, waiver_id: int) -> HttpResponse:
    """End a waiver."""
    reason = request.POST.get("reason", "")
    return _act(
        request,
        waiver_id,
        lambda waiver: revoke_waiver(waiver, reason, by=principal_of(request)),
        "The waiver is revoked.",
    )


def _act(request: HttpRequest, waiver_id: int, act: Callable[[Waiver], object], done: str) -> HttpResponse:
    waiver: Waiver = get_object_or_404(visible_waivers(principal_of(request)), pk=waiver_id)
    slug = waiver.project.slug
    try:
        act(waiver)
    except NotFound as exc:
        raise Http404 from exc
    except (Forbidden, Conflict) as exc:
        return waiver_list(request, slug, refusal=exc, status=403 if isinstance(exc, Forbidden) else 409)
    messages.success(request, done)
    return HttpResponse(status=303, headers={"Location": reverse("web:waivers", args=[slug])})
