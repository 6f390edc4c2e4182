"""Proposing: a layout or a guest kernel, as a new submission or as a new revision."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from patreview import engine
from patreview.analyses import services
from patreview.catalogue.queries import platforms_in
from patreview.projects.errors import Conflict, Forbidden
from patreview.submissions.queries import KINDS, artifact_body, artifact_text, decode
from patreview.submissions.services import Proposal, Upload
from patreview.web.errors import BadAddress, only, permission_denied
from patreview.web.forms import GuestProposal, LayoutProposal, guest_initial
from patreview.web.layout_table import entry_bits
from patreview.web.visitor import frame, principal_of, project_or_404, submission_or_404

if TYPE_CHECKING:
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
    return _page(request, submission.project, submission.kind, submission)


def _page(request: HttpRequest, project: Project, kind: str, submission: Submission | None) -> HttpResponse:
    around = frame(request, project, "submit", f"/api/v1/projects/{project.slug}/submissions")
    if not around["may_submit"]:
        return permission_denied(request, reason=f"Proposing needs the role submitter in {project.title}.")
    form = _form(request, project, kind, submission)
    problems: list[Json] = []
    status = 422 if request.method == "POST" else 200
    if request.method == "POST" and form.is_valid():
        try:
            made = _submit(request, project, kind, submission, form)
        except engine.InvalidInput as exc:
            problems = exc.problems
            form.take(problems)
        except (Forbidden, Conflict) as exc:
            problems = [{"code": exc.code, "message": exc.message}]
            status = 403 if isinstance(exc, Forbidden) else 409
        else:
            return HttpResponse(status=303, headers={"Location": reverse("web:submission", args=[made.pk])})
    context = around | _context(request, kind, submission, form) | {"problems": problems}
    return render(request, "submissions/submit.html", context, status=status)


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
        return guest_initial(content.get("stated", {}).get("guest", {})) | _config_of(submission)
    try:
        text = request.GET.get("layout") or content.get("layout", {}).get("msr") or _in_force(project)
        entries = engine.check_layout(text)["entries"]
    except engine.InvalidInput as exc:
        raise BadAddress(" ".join(str(problem["message"]) for problem in exc.problems)) from exc
    return {f"pa{index}": name for index, name in enumerate(entries)}


def _in_force(project: Project) -> str:
    """The layout of the first platform; without one, the first layout that is known at all."""
    platform = platforms_in(project).first()
    msr: str = platform.layout.msr if platform else engine.known_layouts()[0]["msr"]
    return msr


def _config_of(submission: Submission | None) -> Json:
    """The .config of the current revision, for the field where one may be pasted."""
    if submission is None or submission.current is None:
        return {}
    config = artifact_text(submission.current, "config")
    return {"config_name": config[0], "config_text": config[1]} if config else {}


def _submit(request: HttpRequest, project: Project, kind: str, submission: Submission | None, form: Any) -> Any:
    given = form.cleaned_data
    content: Json = {"note": given["note"], "title": submission.title if submission else given["title"]}
    if kind == "layout":
        platforms = {platform.name: platform for platform in platforms_in(project)}
        content["platform"] = submission.platform if submission else platforms.get(given["platform"])
        content["layout"] = form.text()
    else:
        content["guest"] = (_kept(submission) if given.get("keep") else {}) | form.stated()
        content["files"] = tuple(_files(submission, form.config()))
    made = services.submit(project, Proposal(kind=kind, **content), by=principal_of(request), submission=submission)
    return made.submission


def _kept(submission: Submission | None) -> Json:
    """What the current revision states and no field of the form can say: a new revision keeps it unless told."""
    current = submission.current if submission else None
    stated = current.content.get("stated", {}).get("guest", {}) if current else {}
    return {name: stated[name] for name in NOT_IN_FORM if name in stated}


def _files(submission: Submission | None, config: tuple[str, bytes] | None) -> Iterator[Upload]:
    """The .config that was sent; where the form only brought the current one back as text, its own bytes."""
    if config is None:
        return
    name, body = config
    kept = artifact_body(submission.current, "config") if submission and submission.current else None
    same = kept is not None and decode(kept).replace("\r\n", "\n").encode() == body
    yield Upload("config", name, kept if kept is not None and same else body)


def _context(request: HttpRequest, kind: str, submission: Submission | None, form: Any) -> Json:
    context: Json = {"kind": kind, "form": form, "submission": submission, "heading": HEADINGS[kind]}
    if submission and submission.current:
        context["heading"] = f"Revise {submission.title}: r{submission.current.number + 1}"
    if kind == "guest":
        form.keep_upload()
        return context | {"encodings": form.encoding_fields()}
    entries = [{"name": f"PA{n}", "field": form[f"pa{n}"], "bits": entry_bits(n)} for n in range(8)]
    presets = [layout | {"href": f"{request.path}?layout={layout['msr']}"} for layout in engine.known_layouts()]
    return context | {"entries": entries, "presets": presets}
