"""Proposing: a layout or a guest kernel, as a new submission or as a new revision."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from patreview import engine
from patreview.analyses import services
from patreview.catalogue.queries import platforms_in
from patreview.projects.errors import Conflict, Forbidden
from patreview.submissions import drafts
from patreview.submissions.queries import KINDS, artifacts_of, may_revise
from patreview.submissions.services import Proposal, Upload, read_proposal
from patreview.web import guest_presets, preview
from patreview.web.errors import BadAddress, only, permission_denied
from patreview.web.forms import PASTED, GuestProposal, LayoutProposal, guest_initial
from patreview.web.layout_table import entry_bits
from patreview.web.visitor import frame, principal_of, project_or_404, submission_or_404

if TYPE_CHECKING:
    from patreview.projects.principal import Principal
    from patreview.projects.queries import Project
    from patreview.submissions.queries import Submission

Json = dict[str, Any]
#: What REST can state of a guest and the form has no field for.
NOT_IN_FORM = ("modules", "booted_under", "observed_pat", "hide_cpuid_mtrr")
HEADINGS = {"layout": "Propose a PAT layout", "guest": "Propose a guest kernel"}


@login_required
@only("GET", "POST")
def submit(request: HttpRequest, slug: str) -> HttpResponse:
    """A new submission of the kind that the address names."""
    project = project_or_404(request, slug)
    kind = request.GET.get("kind", "layout")
    if kind not in KINDS:
        raise BadAddress(f"“{kind}” is no kind; use {', '.join(KINDS)}.")
    return _page(request, project, kind, None)


@login_required
@only("GET", "POST")
def revise(request: HttpRequest, pk: int) -> HttpResponse:
    """A new revision, filled with what the current one states."""
    submission = submission_or_404(request, pk)
    if not may_revise(principal_of(request), submission):
        reason = f"#{pk} belongs to {submission.owner}: only they or a maintainer add to it. Submit one of your own."
        return permission_denied(request, reason=reason)
    return _page(request, submission.project, submission.kind, submission)


def _page(request: HttpRequest, project: Project, kind: str, submission: Submission | None) -> HttpResponse:
    around = frame(request, project, "submit", f"/api/v1/projects/{project.slug}/submissions")
    if not around["may_submit"]:
        return permission_denied(request, reason=f"Proposing needs the role submitter in {project.title}.")
    form = _form(request, project, kind, submission)
    sheet = Sheet()
    if request.method == "POST":
        done = _take(request, project, kind, submission, form, sheet)
        if done is not None:
            return done
    elif submission and submission.current:
        sheet.kept = drafts.drafts_of(list(artifacts_of(submission.current)), project, by=principal_of(request))
    context = around | _context(request, kind, submission, form) | asdict(sheet)
    return render(request, "submissions/submit.html", context, status=sheet.status)


@dataclass
class Sheet:
    """What a form shows around its fields: what is wrong, which files are kept, what was read of them."""

    status: int = 200
    problems: list[Json] = field(default_factory=list)
    kept: list[drafts.Draft] = field(default_factory=list)
    preview: Json | None = None


def _take(
    request: HttpRequest, project: Project, kind: str, submission: Submission | None, form: Any, sheet: Sheet
) -> HttpResponse | None:
    """Submit what was sent, or say what it would be taken for; None where the form is to be shown again."""
    by = principal_of(request)
    kept, gone = drafts.uploads_of(request.POST.getlist("kept"), project, by=by)
    is_valid = form.is_valid()
    chosen = form.uploads() if "evidence" in form.cleaned_data else ()  # a problem of a field takes its value away
    uploads = _renewed(kept, chosen)
    try:
        if gone:
            raise engine.refusal(
                *(engine.problem("files", f"{name} is kept no more: choose it again.") for name in gone)
            )
        if is_valid and request.POST.get("action") == "preview":
            sheet.preview = _preview(project, kind, submission, form, uploads, by)
        elif is_valid:
            made = services.submit(
                project, _proposal(project, kind, submission, form, uploads), by=by, submission=submission
            )
            return HttpResponse(status=303, headers={"Location": reverse("web:submission", args=[made.submission.pk])})
        else:
            sheet.status = 422
    except engine.InvalidInput as exc:
        sheet.problems, sheet.status = exc.problems, 422
        form.take(exc.problems)
    except (Forbidden, Conflict) as exc:
        sheet.problems = [{"code": exc.code, "message": exc.message}]
        sheet.status = 403 if isinstance(exc, Forbidden) else 409
    is_typed = {one.sha256 for one in chosen if one.name == PASTED}  # it comes back where it was typed
    sheet.kept = drafts.keep(tuple(one for one in uploads if one.sha256 not in is_typed), project, by=by)
    return None


def _renewed(kept: tuple[Upload, ...], chosen: tuple[Upload, ...]) -> tuple[Upload, ...]:
    """The files of a form: one that was chosen now takes the place of a kept one of its role."""
    fresh = []
    for upload in chosen:
        fresh.append(upload)
        with suppress(engine.InvalidInput):  # it is said when all files are read
            fresh[-1] = upload.with_role()
    roles = {one.role for one in fresh}
    return (*(one for one in kept if one.role not in roles), *fresh)


def _preview(
    project: Project, kind: str, submission: Submission | None, form: Any, uploads: tuple[Upload, ...], by: Principal
) -> Json:
    """What a proposal would be taken for; nothing is stored. Raises engine.InvalidInput."""
    read = read_proposal(_proposal(project, kind, submission, form, uploads), by=by.name)
    return preview.context(read.content)


def _form(request: HttpRequest, project: Project, kind: str, submission: Submission | None) -> Any:
    sent = (request.POST, request.FILES) if request.method == "POST" else (None, None)
    initial = _initial(request, project, kind, submission)
    form: LayoutProposal | GuestProposal
    if kind == "layout":
        names = [platform.name for platform in platforms_in(project)]
        form = LayoutProposal(*sent, initial=initial, platforms=names)
    else:
        form = GuestProposal(*sent, initial=initial, families=engine.known_families())
        kept = _kept(submission)
        form.fields["keep"].help_text = f"As the current revision states it: {', '.join(sorted(kept))}."
        if not kept:
            form.omit("keep")
    if submission:
        form.omit("title", "platform")
    return form


def _initial(request: HttpRequest, project: Project, kind: str, submission: Submission | None) -> Json:
    """What the form starts with: the layout that the address names, the current revision, or what is in force."""
    content = submission.current.content if submission and submission.current else {}
    if kind == "guest":
        preset = "" if submission else request.GET.get("preset", "")
        return guest_initial(guest_presets.stated(preset) if preset else content.get("stated", {}).get("guest", {}))
    try:
        text = request.GET.get("layout") or content.get("layout", {}).get("msr") or _in_force(project)
        entries = engine.check_layout(text)["entries"]
    except engine.InvalidInput as exc:
        raise BadAddress(" ".join(str(problem["message"]) for problem in exc.problems)) from exc
    initial: Json = {f"pa{index}": name for index, name in enumerate(entries)}
    return initial | {"platform": request.GET.get("platform", "")}


def _in_force(project: Project) -> str:
    """The layout of the first platform; without one, the first layout that is known at all."""
    platform = platforms_in(project).first()
    msr: str = platform.layout.msr if platform else engine.known_layouts()[0]["msr"]
    return msr


def _proposal(
    project: Project, kind: str, submission: Submission | None, form: Any, uploads: tuple[Upload, ...]
) -> Proposal:
    given = form.cleaned_data
    content: Json = {"note": given["note"], "title": submission.title if submission else given["title"]}
    content["files"] = uploads
    if kind == "layout":
        platforms = {platform.name: platform for platform in platforms_in(project)}
        content["platform"] = submission.platform if submission else platforms.get(given["platform"])
        is_in_a_file = any(one.role == "xen-source" for one in uploads)
        content["layout"] = "" if is_in_a_file and not form.is_chosen() else form.text()
    else:
        content["guest"] = (_kept(submission) if given.get("keep") else {}) | form.stated()
    return Proposal(kind=kind, **content)


def _kept(submission: Submission | None) -> Json:
    """What the current revision states and no field of the form can say: a new revision keeps it unless told."""
    current = submission.current if submission else None
    stated = current.content.get("stated", {}).get("guest", {}) if current else {}
    return {name: stated[name] for name in NOT_IN_FORM if name in stated}


def _context(request: HttpRequest, kind: str, submission: Submission | None, form: Any) -> Json:
    context: Json = {"kind": kind, "form": form, "submission": submission, "heading": HEADINGS[kind]}
    if submission and submission.current:
        context["heading"] = f"Revise {submission.title}: r{submission.current.number + 1}"
    if kind == "guest":
        kernels = [] if submission else guest_presets.links(request.path, request.GET.get("preset", ""))
        return context | {"encodings": form.encoding_fields(), "kernels": kernels}
    entries = [{"name": f"PA{n}", "field": form[f"pa{n}"], "bits": entry_bits(n)} for n in range(8)]
    presets = [layout | {"href": f"{request.path}?layout={layout['msr']}"} for layout in engine.known_layouts()]
    return context | {"entries": entries, "presets": presets}
