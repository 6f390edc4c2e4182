"""The status page: what answers, what it is made of, and how images are read here."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from patreview import engine
from patreview.analyses.queries import last_isolation, waiting_runs
from patreview.probes import state
from patreview.web.errors import only
from patreview.web.visitor import frame

_LIMITS = "limits of memory, time and files"


@login_required
@only("GET")
def status(request: HttpRequest) -> HttpResponse:
    """Database, broker, runs that wait, and the confinement that the last image was read in."""
    around = frame(request, None, "status", "/api/v1/engine")
    context = {
        "state": state(),
        "waiting": waiting_runs(),
        "rules_digest": engine.rules_digest(),
        "formats": engine.formats(),
        "isolation": _isolation(last_isolation()),
    }
    return render(request, "status.html", around | context)


def _isolation(last: dict[str, Any] | None) -> str:
    """How the last image was read, in words."""
    if last is None:
        return "No image was read yet."
    network = "without a network" if last.get("network") else "with a network: the kernel lets no process drop it"
    limits = f", under {_LIMITS}" if last.get("limits") else f", without {_LIMITS}"
    rights = ", unable to gain rights" if last.get("no_new_privileges") else ""
    return f"The last image was read in a process of its own, {network}{limits}{rights}."
