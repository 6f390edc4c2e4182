"""Store proposals. The caller holds the transaction, so that a revision and its first run are stored together."""

from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

from patreview import engine
from patreview.accounts.models import User
from patreview.catalogue.models import Platform
from patreview.journal.services import record
from patreview.journal.subjects import submission_subject
from patreview.projects.errors import Conflict, Forbidden
from patreview.projects.models import Project
from patreview.projects.principal import Principal
from patreview.submissions.models import Artifact, Blob, Revision, Submission
from patreview.submissions.queries import may_revise

TITLE_MAX = 100
FILES_MAX = 8
#: A file whose role is found by its content.
ANY_ROLE = "auto"
#: What may come along with a layout: the patch that it is read from, a Xen binary that has it built in.
LAYOUT_ROLES = ("xen-source", "xen-image")
PASTED_SOURCE = "pasted.patch"
NOTE_MAX = 2000
KEY_MAX = 200


@dataclass(frozen=True)
class Upload:
    """A file as it came: its role ("config", or "auto" to find it), the sender's name for it, its bytes."""

    role: str
    name: str
    body: bytes

    @property
    def sha256(self) -> str:
        return sha256(self.body).hexdigest()

    def as_input(self) -> dict[str, Any]:
        return {"role": self.role, "name": self.name, "body": self.body}

    def with_role(self) -> "Upload":
        """The file with the role that its content shows. Raises engine.InvalidInput."""
        return self if self.role != ANY_ROLE else replace(self, role=engine.recognise(self.name, self.body))


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """What somebody sends: a layout for a platform, or what is known of a guest and its files."""

    kind: str
    title: str
    platform: Platform | None = None
    layout: str = ""
    guest: dict[str, Any] | None = None
    files: tuple[Upload, ...] = ()
    external_key: str = ""
    note: str = ""


@dataclass(frozen=True)
class ReadProposal:
    """A proposal as the engine read it: refused as a whole or taken as a whole."""

    proposal: Proposal
    content: dict[str, Any]
    digest: str


def read_proposal(proposal: Proposal, *, by: str) -> ReadProposal:
    """Let the engine read what was sent. Raises engine.InvalidInput with every problem that was found."""
    is_layout = proposal.kind == Submission.Kind.LAYOUT
    problems = _text_problems(title=proposal.title, note=proposal.note, external_key=proposal.external_key)
    if is_layout and proposal.platform is None:
        problems.append(engine.problem("platform", "Name the platform that this layout is for."))
    try:
        proposal = with_roles(proposal)
        content = _read_layout(proposal) if is_layout else _read_guest(proposal, by)
    except engine.InvalidInput as exc:
        raise engine.refusal(*problems, *exc.problems) from exc
    if problems:
        raise engine.refusal(*problems)
    if is_layout and content["layout"].get("source") and not _sources(proposal):
        pasted = Upload("xen-source", PASTED_SOURCE, proposal.layout.encode())
        proposal = replace(proposal, files=(*proposal.files, pasted))
    return ReadProposal(proposal, content, engine.digest("input", _identity(proposal, content["stated"])))


def with_roles(proposal: Proposal) -> Proposal:
    """The proposal with the role of every file. Raises engine.InvalidInput for files that are none that is read."""
    problems: list[dict[str, Any]] = []
    files: list[Upload] = []
    for upload in proposal.files:
        try:
            files.append(upload.with_role())
        except engine.InvalidInput as exc:
            problems += exc.problems
    is_layout = proposal.kind == Submission.Kind.LAYOUT
    foreign = [upload.name for upload in files if is_layout and upload.role not in LAYOUT_ROLES]
    for name in foreign:
        message = f"{name[:80]}: a layout takes Xen's headers, a patch, or a Xen binary; send this with a guest."
        problems.append(engine.problem("files", message))
    for number, upload in enumerate(files):
        if upload.role in {earlier.role for earlier in files[:number]}:
            message = f"{upload.name[:80]} is a second file of the role {upload.role}: send one of each."
            problems.append(engine.problem("files", message))
        if not 0 < len(upload.body) <= engine.size_limit(upload.role):
            limit = engine.size_limit(upload.role)
            message = f"{upload.name[:80]} has {len(upload.body)} bytes; at most {limit} are read, and at least one."
            problems.append(engine.problem("files", message, code="too_large" if upload.body else "empty"))
    if len(proposal.files) > FILES_MAX:
        problems.append(engine.problem("files", f"{len(proposal.files)} files; at most {FILES_MAX}."))
    if problems:
        raise engine.refusal(*problems)
    return replace(proposal, files=tuple(files))


def _sources(proposal: Proposal) -> list[Upload]:
    return [upload for upload in proposal.files if upload.role == "xen-source"]


def _read_layout(proposal: Proposal) -> dict[str, Any]:
    """The layout that is stated, or the one of the source that was sent; where both say one, they must agree."""
    source = next(iter(_sources(proposal)), None)
    is_stated = bool(proposal.layout.strip()) or source is None
    stated = engine.check_layout(proposal.layout, name=PASTED_SOURCE) if is_stated else None
    if source is None:
        assert stated is not None
        return {"layout": stated, "stated": {"layout": stated["msr"]}}
    read = engine.check_layout(engine.text_of(source.body), name=source.name)
    if stated is not None and stated["msr"] != read["msr"]:
        message = f"{stated['msr']} is stated, and {source.name[:80]} has {read['msr']}: leave one of them out."
        raise engine.refusal(engine.problem("layout", message))
    return {"layout": read, "stated": {"layout": read["msr"]}}


def _read_guest(proposal: Proposal, by: str) -> dict[str, Any]:
    stated = proposal.guest or {}
    try:
        facts = engine.read_guest(stated, [upload.as_input() for upload in proposal.files], by=by)
        engine.guest_title(facts)  # what a run could not judge is refused here
    except engine.InvalidInput as exc:
        raise engine.refusal(*[_below_guest(problem) for problem in exc.problems]) from exc
    return {"guest": facts, "stated": {"guest": stated}}


def _below_guest(problem: dict[str, Any]) -> dict[str, Any]:
    """The engine names fields of a guest; senders wrote them below `guest`, and files beside it."""
    field = problem["field"] or ""
    return problem if field.startswith("files") else problem | {"field": f"guest.{field}" if field else "guest"}


def _text_problems(**texts: str) -> list[dict[str, Any]]:
    limits = {"title": TITLE_MAX, "note": NOTE_MAX, "external_key": KEY_MAX}
    problems = []
    for name, text in texts.items():
        odd = [char for char in text if not char.isprintable() and not (name == "note" and char in "\r\n\t")]
        if odd:
            problems.append(engine.problem(name, f"Character U+{ord(odd[0]):04X} cannot stand here."))
        elif len(text) > limits[name]:
            problems.append(engine.problem(name, f"{len(text)} characters; at most {limits[name]}."))
    if not texts["title"].strip():
        problems.append(engine.problem("title", "Say in a few words what is proposed."))
    return problems


def _identity(proposal: Proposal, stated: dict[str, Any]) -> dict[str, Any]:
    """What makes two revisions the same content: what was stated, and the bytes of the files."""
    platform = proposal.platform.name if proposal.platform else ""
    artifacts = sorted([upload.role, upload.sha256] for upload in proposal.files)
    return {"kind": proposal.kind, "platform": platform, "stated": _unordered(stated), "artifacts": artifacts}


def _unordered(stated: dict[str, Any]) -> dict[str, Any]:
    """What is stated, without the order of lists, which says nothing: drivers, modules, needs, commits."""
    if "guest" not in stated:
        return stated
    guest = {key: sorted(value) if isinstance(value, list) else value for key, value in stated["guest"].items()}
    return {"guest": guest}


def store(
    project: Project, read: ReadProposal, *, by: Principal, submission: Submission | None
) -> tuple[Revision, bool]:
    """Add a revision to the submission given, or to the one of the same external key, or to a new one.

    Returns the revision and whether it is new: the same content as the current revision adds nothing.
    """
    key = read.proposal.external_key
    if submission is None and key:
        submission = Submission.objects.filter(project=project, external_key=key).first()
    if submission is None:
        submission = _open_submission(project, read.proposal, by=by)
    else:
        submission = lock(submission.pk)
        if submission.current and submission.current.digest == read.digest:
            return submission.current, False
        _check_addition(submission, read.proposal, by=by)
    return _add_revision(submission, read, by=by), True


def _open_submission(project: Project, proposal: Proposal, *, by: Principal) -> Submission:
    assert isinstance(by.user, User)
    return Submission.objects.create(
        project=project,
        kind=proposal.kind,
        title=proposal.title.strip(),
        external_key=proposal.external_key or None,
        platform=proposal.platform,
        owner=by.user,
        subject=_subject(proposal),
    )


def _subject(proposal: Proposal) -> str:
    """The name of what it is about: the platform, or the guest."""
    return proposal.platform.name if proposal.platform else str((proposal.guest or {}).get("name", ""))[:100]


def _add_revision(submission: Submission, read: ReadProposal, *, by: Principal) -> Revision:
    assert isinstance(by.user, User)
    revision = Revision.objects.create(
        submission=submission,
        number=submission.current.number + 1 if submission.current else 1,
        content=read.content,
        digest=read.digest,
        note=read.proposal.note,
        created_by=by.user,
        token_key=by.token_key,
    )
    _keep_files(revision, read.proposal.files)
    title = read.proposal.title.strip()
    summary = {"title": title, "subject": _subject(read.proposal), "proposed_msr": _proposed_msr(read.content)}
    Submission.objects.filter(pk=submission.pk).update(current=revision, standing_run=None, **summary)
    submission.current, submission.title, submission.proposed_msr = revision, title, summary["proposed_msr"]
    return revision


def _proposed_msr(content: dict[str, Any]) -> str:
    return str(content["layout"]["msr"]) if "layout" in content else ""


def record_act(action: str, revision: Revision, *, by: Principal, **data: Any) -> None:
    """The journal's entry of what somebody did to a revision; the last step of the act's transaction."""
    subject = submission_subject(revision.submission_id, revision.number)
    record(revision.submission.project_id, action, subject, actor=by.name, token=by.token_key, **data)


def lock(pk: int) -> Submission:
    """The submission as it is now, locked until the transaction ends.

    Nothing is joined: PostgreSQL reads only the locked row anew after it waited for the lock.
    """
    return Submission.objects.select_for_update().get(pk=pk)


def _check_addition(submission: Submission, proposal: Proposal, *, by: Principal) -> None:
    if not may_revise(by, submission):
        raise Forbidden(
            "not_yours", f"#{submission.pk} belongs to {submission.owner}: only they or a maintainer add to it."
        )
    if submission.state != Submission.State.OPEN:
        raise Conflict("not_open", f"#{submission.pk} is {submission.state}; submit a proposal of its own.")
    platform_id = proposal.platform.pk if proposal.platform else None
    if (submission.kind, submission.platform_id) != (proposal.kind, platform_id):
        message = f"#{submission.pk} is about another kind or platform; use another external key."
        raise Conflict("other_subject", message)


def _keep_files(revision: Revision, files: tuple[Upload, ...]) -> None:
    for upload in files:
        store_blob(upload)
        name, size = upload.name[:255], len(upload.body)
        Artifact.objects.create(revision=revision, role=upload.role, name=name, size=size, blob_id=upload.sha256)


def store_blob(upload: Upload) -> None:
    """Keep the bytes of a file, once."""
    if not Blob.objects.filter(sha256=upload.sha256).exists():
        Blob.objects.bulk_create([Blob(sha256=upload.sha256, body=upload.body)], ignore_conflicts=True)
