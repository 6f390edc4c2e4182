"""The activity of a project: its journal in words, filtered by address, paged by key, and exported whole."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING, Any

from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse

from patreview import engine
from patreview.analyses.listing import Page, page_of
from patreview.journal.queries import ACTION, Wanted, document_of, entries_of, head_of
from patreview.projects.errors import Forbidden, NotFound
from patreview.projects.queries import project_of_journal, token_names
from patreview.web.acts import GROUPS, act_of
from patreview.web.errors import BadAddress, only, permission_denied
from patreview.web.list_address import Key, read_number, with_query
from patreview.web.visitor import frame, principal_of

if TYPE_CHECKING:
    from patreview.journal.queries import Entry
    from patreview.projects.queries import Project

PAGE = 50
CHUNK = 500
LONGEST = 200
FORMATS = {"ndjson": "application/x-ndjson", "csv": "text/csv; charset=utf-8"}
KEY = Key("the number of an entry", read_number)
COLUMNS = ("seq", "at", "actor", "token", "action", "object", "data", "request_id", "prev_hash", "hash")
# What a spreadsheet takes for the beginning of a formula, or looks for one behind; the last four are full-width.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


@only("GET")
def activity(request: HttpRequest, slug: str) -> HttpResponse:
    """A page of the journal, newest first."""
    try:
        project = _project(request, slug)
    except Forbidden as exc:
        return permission_denied(request, reason=exc.message)
    query = _query(request, "before")
    before = KEY.of("before", query.pop("before", None))
    page = page_of(entries_of(project.pk, _wanted(query)), "seq", limit=PAGE, before=before)
    return render(request, "projects/activity.html", _context(request, project, query, page, before))


def _context(
    request: HttpRequest, project: Project, query: dict[str, str], page: Page[Entry], before: int | None
) -> dict[str, Any]:
    here, api_path = reverse("web:activity", args=[project.slug]), f"/api/v1/projects/{project.slug}/audit"
    around = frame(request, project, "activity", with_query(api_path, query))
    tokens = token_names(project, {row.token for row in page.rows} - {""})
    linked = around["role"] is not None or project.visibility == "public"
    export = reverse("web:activity-export", args=[project.slug])
    return around | {
        "acts": [act_of(row, project, tokens, linked=linked) for row in page.rows],
        "head": head_of(project.pk),
        "query": query,
        "groups": sorted({*GROUPS, query.get("action", "")} - {""}),
        "next_page": with_query(here, query | {"before": page.rows[-1].seq}) if page.older else "",
        "filtered": bool(query or before),
        "exports": [(name, with_query(export, query | {"format": name})) for name in FORMATS],
    }


@only("GET")
def export(request: HttpRequest, slug: str) -> HttpResponseBase:
    """Everything that the filters select, oldest first: whole entries, so that others can check the chain."""
    try:
        project = _project(request, slug)
    except Forbidden as exc:
        return permission_denied(request, reason=exc.message)
    query = _query(request, "format")
    kind = query.pop("format", "ndjson")
    if kind not in FORMATS:
        raise BadAddress(f"“{kind}” is no format; use {' or '.join(FORMATS)}.")
    rows = entries_of(project.pk, _wanted(query)).order_by("seq").iterator(chunk_size=CHUNK)
    lines = _csv(rows) if kind == "csv" else _ndjson(rows)
    headers = {"Content-Disposition": f'attachment; filename="{project.slug}-journal.{kind}"'}
    return StreamingHttpResponse(lines, content_type=FORMATS[kind], headers=headers)


def _ndjson(rows: Iterator[Entry]) -> Iterator[bytes]:
    for row in rows:
        yield engine.canonical(document_of(row)) + b"\n"


class _Echo:
    """A file that gives back what is written to it."""

    def write(self, text: str) -> str:
        return text


def _csv(rows: Iterator[Entry]) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield writer.writerow(COLUMNS)
    for row in rows:
        document = document_of(row) | {"data": engine.canonical(row.data).decode()}
        yield writer.writerow([harmless(str(document[name])) for name in COLUMNS])


def harmless(text: str) -> str:
    """A cell that no spreadsheet runs: an apostrophe stands before what it would take for a formula."""
    return f"'{text}" if text.lstrip(" ").startswith(FORMULA) else text


def _project(request: HttpRequest, slug: str) -> Project:
    """Raises Http404, and Forbidden to those who may see the project but not its journal."""
    try:
        return project_of_journal(principal_of(request), slug)
    except NotFound as exc:
        raise Http404 from exc


def _query(request: HttpRequest, extra: str) -> dict[str, str]:
    """The filters that say something, by name. Raises BadAddress on any that is not known."""
    known = ("actor", "action", "object", "from", "to", extra)
    for name, value in request.GET.dict().items():
        if name not in known:
            raise BadAddress(f"There is no filter “{name[:50]}”; use {', '.join(known)}.")
        if "\0" in value or len(value) > LONGEST:
            raise BadAddress(f"{name} is no text of up to {LONGEST} characters.")
    return {name: value.strip() for name, value in request.GET.dict().items() if value.strip()}


def _wanted(query: dict[str, str]) -> Wanted:
    action = query.get("action", "")
    if action and not re.fullmatch(ACTION, action, re.ASCII):
        raise BadAddress(f"“{action}” is no action; use {', '.join(GROUPS)}, or one of them as in vote.cast.")
    since, until = _day(query, "from"), _day(query, "to")
    if since and until and until < since:
        raise BadAddress(f"from {since} to {until} is no time: the first day comes after the last.")
    return Wanted(query.get("actor", ""), action, query.get("object", ""), since, until)


def _day(query: dict[str, str], name: str) -> date | None:
    text = query.get(name, "")
    if not text:
        return None
    try:
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text, re.ASCII):
            return date.fromisoformat(text)
    except ValueError:
        pass  # as 2026-02-30
    raise BadAddress(f"{name} is a day, as in 2026-11-25.")
