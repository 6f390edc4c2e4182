"""The page that compares two revisions or runs. All of its state is in the address."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from patreview.analyses.comparison import BadReference, check_reference, compared, read_classes, side_of
from patreview.projects.errors import NotFound
from patreview.submissions.queries import revisions_of
from patreview.web import comparison_page
from patreview.web.errors import BadAddress, only
from patreview.web.visitor import frame, principal_of

if TYPE_CHECKING:
    from patreview.analyses.comparison import Side

Json = dict[str, Any]

NAMES = ("a", "b", "show")
_OFFERED = 20  # revisions


@only("GET")
def compare(request: HttpRequest) -> HttpResponse:
    """Two sides compared; without both of them, a form that asks for what is missing."""
    strange = sorted(set(request.GET) - set(NAMES))
    if strange:
        raise BadAddress(f"There is no “{strange[0][:40]}” here; use {', '.join(NAMES)}.")
    asked = {name: request.GET[name].strip() for name in NAMES if name in request.GET}
    problems: dict[str, str] = {}
    for name in ("a", "b"):
        try:
            _check(asked.get(name))
        except BadReference as exc:
            problems[name] = str(exc)
    if problems:
        return _form(request, asked, problems=problems, status=400)
    shown = _shown(asked)
    sides = {name: _side(request, asked[name]) for name in ("a", "b") if asked.get(name)}
    if len(sides) < len(("a", "b")):
        return _form(request, asked, side=next(iter(sides.values()), None))
    return _page(request, asked, sides["a"], sides["b"], shown)


def _check(text: str | None) -> None:
    if text:
        check_reference(text)


def _shown(asked: Json) -> tuple[str, ...] | None:
    """The classes that the address names; None where it leaves the choice to the page."""
    try:
        return read_classes(asked["show"]) if "show" in asked else None
    except BadReference as exc:
        raise BadAddress(str(exc)) from exc


def _side(request: HttpRequest, text: str) -> Side:
    try:
        return side_of(text, principal_of(request))
    except NotFound as exc:
        raise Http404 from exc


def _form(
    request: HttpRequest,
    asked: Json,
    *,
    side: Side | None = None,
    problems: Json | None = None,
    status: int = 200,
) -> HttpResponse:
    """The form; with one side given, its other revisions to choose from."""
    project = side.revision.submission.project if side else None
    around = frame(request, project, "compare", "/api/v1/compare")
    context = around | {
        "fields": _fields(asked, problems or {}),
        "side": side,
        "offers": _offers(side, is_after="b" in asked and bool(asked["b"])) if side else [],
    }
    return render(request, "analyses/compare_form.html", context, status=status)


def _fields(asked: Json, problems: Json) -> list[Json]:
    return [
        {"name": name, "label": label, "value": asked.get(name, ""), "problem": problems.get(name, "")}
        for name, label in (("a", "Before"), ("b", "After"))
    ]


def _offers(side: Side, *, is_after: bool) -> list[Json]:
    """The other revisions of a side's submission, newest first, each as an address."""
    revision = side.revision
    others = revisions_of(revision.submission).exclude(pk=revision.pk).defer("content")[:_OFFERED]
    offers = []
    for other in others:
        pair = [f"s{revision.submission_id}r{other.number}", side.reference]
        a, b = pair if is_after else reversed(pair)
        offers.append({"revision": other, "href": address(a=a, b=b)})
    return offers


def _page(request: HttpRequest, asked: Json, before: Side, after: Side, shown: tuple[str, ...] | None) -> HttpResponse:
    projects = {side.revision.submission.project for side in (before, after)}
    given = {name: asked[name] for name in NAMES if name in asked}
    context = frame(
        request,
        after.revision.submission.project if len(projects) == 1 else None,
        "compare",
        f"/api/v1/compare?{_query(given)}",
    )
    context |= comparison_page.context(compared(before, after), shown, lambda show: address(**_with(given, show)))
    swapped = given | {"a": given["b"], "b": given["a"]}
    context |= {"fields": _fields(asked, {}), "swap": address(**swapped), "pinned": _pinned(given, before, after)}
    return render(request, "analyses/compare.html", context)


def _pinned(given: Json, before: Side, after: Side) -> str:
    """The address of these very runs, which stays what it is when another run is made; "" where it is this one."""
    if before.run is None or after.run is None:
        return ""
    pinned = given | {"a": f"run{before.run.pk}", "b": f"run{after.run.pk}"}
    return address(**pinned) if pinned != given else ""


def _with(given: Json, show: tuple[str, ...] | None) -> Json:
    rest = {name: value for name, value in given.items() if name != "show"}
    return rest if show is None else rest | {"show": ",".join(show)}


def address(**query: str) -> str:
    """The address of a comparison."""
    return f"{reverse('web:compare')}?{_query(query)}"


def _query(query: Json) -> str:
    return urlencode(query, safe=",")
