"""The reference pages: what the engine knows, to be read by anybody. They ask the engine, never the database."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from patreview.projects.queries import projects_to_submit_to
from patreview.web import hypervisor_page, kernel_page, memory_type_page, rule_page
from patreview.web.errors import BadAddress, only
from patreview.web.visitor import frame, principal_of

Json = dict[str, Any]


@only("GET")
def memory_types(request: HttpRequest) -> HttpResponse:
    """What MTRR and PAT make together, by vendor, and what it means to get another type than was wanted."""
    _require_known_query(request, "vendor")
    vendor = request.GET.get("vendor", "intel")
    if vendor not in memory_type_page.VENDORS:
        raise BadAddress(f"“{vendor}” is no vendor; use {' or '.join(memory_type_page.VENDORS)}.")
    return _page(request, "memory_types", "memory-types", memory_type_page.context(vendor))


@only("GET")
def kernels(request: HttpRequest) -> HttpResponse:
    """How guest kernels write memory types into their page tables."""
    _require_known_query(request)
    return _page(request, "kernels", "guest-kernels", kernel_page.context())


@only("GET")
def hypervisors(request: HttpRequest) -> HttpResponse:
    """What Xen does, by release, and the layouts that are known."""
    _require_known_query(request)
    return _page(request, "hypervisors", "hypervisors", hypervisor_page.context())


@only("GET")
def rules(request: HttpRequest) -> HttpResponse:
    """All rules, by group."""
    _require_known_query(request)
    return _page(request, "rules", "rules", rule_page.groups())


@only("GET")
def rule(request: HttpRequest, rule_id: str) -> HttpResponse:
    """One rule, and what the engine says of its examples."""
    _require_known_query(request)
    shown = rule_page.context(rule_id)
    if shown is None:
        raise Http404
    return _page(request, "rule", f"rules/{rule_id}", shown)


def _page(request: HttpRequest, name: str, twin: str, shown: Json) -> HttpResponse:
    around = frame(request, None, "rules" if name == "rule" else name, f"/api/v1/{twin}")
    submit_to = projects_to_submit_to(principal_of(request)).first()
    return render(request, f"reference/{name}.html", around | {"submit_to": submit_to} | shown)


def _require_known_query(request: HttpRequest, *known: str) -> None:
    unknown = [name for name in request.GET if name not in known]
    if unknown:
        raise BadAddress(f"This page takes no “{unknown[0]}”; it takes {', '.join(known) or 'nothing'}.")
